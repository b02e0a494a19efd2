"""Who may do what: what the roles allow, the token was given, and the ceiling leaves to agents."""

from weakref import WeakKeyDictionary

from engine.installation import Installation
from engine.people.logins import (
    Principal,
    Session,
    session,
    session_unseen,
    token_holder,
    token_unseen,
    touch_session,
    touch_token,
)
from engine.people.roles import SCOPES
from engine.records.transaction import Transaction
from engine.records.visibility import restricted
from engine.schema.modules import Module, Schema

READING = frozenset({"records:read", "workflows:read", "runs:read"})
WRITING = frozenset(
    {"records:write", "workflows:write", "workflows:test", "workflows:run", "workflows:toggle"}
)
DECIDING = frozenset({"workflows:test", "workflows:toggle", "runs:control", "reviews:decide"})
KEEPING = frozenset(
    {"runs:control", "audit:read", "modules:write", "people:write", "settings:write"}
)

RIGHTS = {
    "viewer": READING,
    "author": READING | WRITING,
    "approver": READING | DECIDING,
    "admin": READING | WRITING | KEEPING,
}
# Rights that no scope is named after, and the scope a token needs for them all the same.
SCOPE_OF = {"modules:write": "records:write"}
# What a token may do at most, whatever its roles and scopes. This is not a setting.
AGENT_CEILING = frozenset(SCOPES) | {"modules:write"}


class Refused(Exception):
    """This principal may not do this: which right is missing, and what would give it."""

    def __init__(self, right: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.right, self.message, self.remedy = right, message, remedy


def rights(who: Principal) -> frozenset[str]:
    """All that a principal may do."""
    of_roles = frozenset(right for role in who.roles for right in RIGHTS.get(role, ()))
    if who.scopes is not None:
        of_roles = frozenset(r for r in of_roles if SCOPE_OF.get(r, r) in who.scopes)
    return of_roles & AGENT_CEILING if who.agent else of_roles


def need(who: Principal, right: str) -> None:
    """Raises `Refused` if the principal may not do this."""
    if right in rights(who):
        return
    scope = SCOPE_OF.get(right, right)
    if who.agent and right not in AGENT_CEILING:
        raise Refused(
            right, "No token may do this.", "A person does it, signed in to the web page."
        )
    if who.scopes is not None and scope not in who.scopes:
        told = f"This token lacks the scope `{scope}`."
        raise Refused(
            scope, told, f"{who.name} can make another token with it, on the page Tokens."
        )
    roles = [role for role, given in RIGHTS.items() if right in given]
    told = f"{who.name} has no role that may do this (`{right}`)."
    raise Refused(right, told, f"It takes the role {' or '.join(roles)}; an admin can give it.")


# --- what is hidden ---

_SEEN_BY_AGENTS: WeakKeyDictionary[Schema, Schema] = WeakKeyDictionary()
_KEPT_FROM: WeakKeyDictionary[Schema, frozenset[str]] = WeakKeyDictionary()


def hidden(module: Module, who: Principal) -> bool:
    """Sensitive modules are there for people, and for the tokens of admins alone."""
    return module.sensitive and who.agent and "admin" not in who.roles


def seen(schema: Schema, who: Principal) -> Schema:
    """The modules as this principal sees them: what is hidden is not there, by any path."""
    if not any(hidden(module, who) for module in schema):
        return schema
    if schema not in _SEEN_BY_AGENTS:
        part = Schema(module for module in schema if not module.sensitive)
        _SEEN_BY_AGENTS[schema] = part
        _KEPT_FROM[part] = frozenset(schema.modules) - frozenset(part.modules)
    return _SEEN_BY_AGENTS[schema]


def narrowed(tx: Transaction, who: Principal) -> Transaction:
    """Without the customers of others, where the user is restricted to portfolios; not admins."""
    if "admin" in who.roles:
        return tx
    part = restricted(tx, who.name)
    if part.schema is not tx.schema and tx.schema in _KEPT_FROM:
        _KEPT_FROM[part.schema] = _KEPT_FROM[tx.schema]
    return part


def kept_from(schema: Schema) -> frozenset[str]:
    """The modules that are missing from these only because they are hidden."""
    return _KEPT_FROM.get(schema, frozenset())


def kept_back(schema: Schema, module: str) -> bool:
    """Whether a module is missing from these only because it is hidden."""
    return module in kept_from(schema)


# --- who is there ---


def holder(installation: Installation, token: str) -> Principal | None:
    """Whom a token acts for, and a note that it was used."""
    with installation.database.read() as tx:
        who, unseen = token_holder(tx, token), token_unseen(tx, token)
    if who and unseen:
        with installation.database.begin() as tx:
            touch_token(tx, token)
    return who


def signed_in(installation: Installation, cookie: str) -> Session | None:
    """Who is signed in with this cookie, and a note that they are still there."""
    with installation.database.read() as tx:
        found, unseen = session(tx, cookie), session_unseen(tx, cookie)
    if found and unseen:
        with installation.database.begin() as tx:
            touch_session(tx, cookie)
    return found
