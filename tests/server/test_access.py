"""Who may come in and do what: roles, scopes, the ceiling for agents, sessions, tokens."""

from datetime import timedelta

import pytest

from engine.people import logins
from engine.people.logins import Principal
from engine.people.roles import ROLES, SCOPES
from engine.problems import Invalid
from server.access.rights import AGENT_CEILING, Refused, holder, need, rights, seen, signed_in
from tests.stages.office.reception import Reception

EVERYBODY = frozenset(ROLES)


def a_person(*roles: str) -> Principal:
    return Principal("ann", frozenset(roles))


def an_agent(*scopes: str, roles: frozenset[str] = EVERYBODY) -> Principal:
    return Principal("ann", roles, frozenset(scopes), "a token", agent=True)


# --- what roles, scopes and the ceiling give ---


def test_each_role_may_do_its_own_and_no_more() -> None:
    reading = {"records:read", "workflows:read", "runs:read"}
    writing = {
        "records:write",
        "workflows:write",
        "workflows:test",
        "workflows:run",
        "workflows:toggle",
    }
    keeping = {"audit:read", "runs:control", "modules:write", "people:write", "settings:write"}
    deciding = {"workflows:test", "workflows:toggle", "runs:control", "reviews:decide"}
    assert {role: rights(a_person(role)) for role in ROLES} == {
        "viewer": reading,
        "author": reading | writing,
        "approver": reading | deciding,
        "admin": reading | writing | keeping,
    }
    assert rights(a_person()) == frozenset()


def test_a_token_may_do_what_both_its_scopes_and_the_roles_behind_it_allow() -> None:
    viewer = frozenset({"viewer"})
    assert rights(an_agent("records:read", "records:write", roles=viewer)) == {"records:read"}
    assert rights(an_agent(*SCOPES, roles=frozenset())) == frozenset()


def test_no_token_reaches_beyond_the_ceiling_whatever_it_was_given() -> None:
    beyond = {"reviews:decide", "people:write", "settings:write"}
    assert rights(a_person(*ROLES)) - AGENT_CEILING == beyond
    for scopes in (SCOPES, (*SCOPES, *beyond)):
        assert rights(an_agent(*scopes)) & beyond == frozenset()
    forged = Principal("ann", EVERYBODY, None, "a token", agent=True)
    assert rights(forged) & beyond == frozenset()


@pytest.mark.parametrize(
    ("who", "right", "told"),
    [
        (
            an_agent("records:read"),
            "records:write",
            "This token lacks the scope `records:write`. "
            "ann can make another token with it, on the page Tokens.",
        ),
        (
            an_agent(*SCOPES),
            "reviews:decide",
            "No token may do this. A person does it, signed in to the web page.",
        ),
        (
            a_person("viewer"),
            "workflows:write",
            "ann has no role that may do this (`workflows:write`). "
            "It takes the role author or admin; an admin can give it.",
        ),
        (
            an_agent("records:read"),
            "modules:write",
            "This token lacks the scope `records:write`. "
            "ann can make another token with it, on the page Tokens.",
        ),
    ],
)
def test_a_refusal_says_what_is_missing_and_who_can_give_it(
    who: Principal, right: str, told: str
) -> None:
    with pytest.raises(Refused) as refused:
        need(who, right)
    assert str(refused.value) == told


def test_sensitive_modules_are_hidden_from_tokens_but_those_of_admins(reception: Reception) -> None:
    with reception.installation.database.read() as tx:
        hidden = {
            name: "employees" not in seen(tx.schema, who).modules
            for name, who in {
                "a token": an_agent(*SCOPES, roles=frozenset({"author"})),
                "an admin's token": an_agent(*SCOPES, roles=frozenset({"admin"})),
                "a person": a_person("viewer"),
            }.items()
        }
    assert hidden == {"a token": True, "an admin's token": False, "a person": False}


# --- passwords ---


def test_a_password_lets_in_and_nothing_else_does(reception: Reception) -> None:
    with reception.installation.database.begin() as tx:
        logins.set_password(tx, "alice", "correct horse")
        assert logins.check_password(tx, "alice", "correct horse") == a_person_named("alice")
        assert logins.check_password(tx, "alice", "wrong horse") is None
        assert logins.check_password(tx, "alice", "x" * 1025) is None
        assert logins.check_password(tx, "nobody", "correct horse") is None
        assert logins.check_password(tx, "bob", "") is None
        logins.deactivate_user(tx, "alice")
        assert logins.check_password(tx, "alice", "correct horse") is None


def a_person_named(name: str) -> Principal:
    return Principal(name, frozenset({"author"}))


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_a_password_has_a_length_that_can_be_kept(reception: Reception, password: str) -> None:
    with reception.installation.database.begin() as tx, pytest.raises(Invalid, match="characters"):
        logins.set_password(tx, "alice", password)


def test_a_user_that_is_there_is_changed_and_keeps_what_is_not_said(reception: Reception) -> None:
    with reception.installation.database.begin() as tx:
        logins.create_user(tx, "alice", ["author", "approver"], name="Alice B.")
        assert logins.person(tx, "alice") == Principal("alice", frozenset({"author", "approver"}))
        users = tx.schema.tables["users"]
        rows = tx.db.execute(users.select().where(users.c.username == "alice")).mappings().all()
    assert [(row["name"], row["email"]) for row in rows] == [("Alice B.", "alice@sayso.test")]


def test_a_role_that_does_not_exist_is_refused_with_the_nearest(reception: Reception) -> None:
    with (
        reception.installation.database.begin() as tx,
        pytest.raises(Invalid, match="Did you mean `approver`"),
    ):
        logins.create_user(tx, "new", ["aprover"])


# --- tokens ---


def test_a_token_is_good_until_it_expires_is_revoked_or_its_user_goes(reception: Reception) -> None:
    database = reception.installation.database
    tokens = [reception.token("alice", "records:read") for _ in range(3)]
    expected = Principal(
        "alice", frozenset({"author"}), frozenset({"records:read"}), "a test", agent=True
    )
    assert [holder(reception.installation, token) for token in tokens] == [expected] * 3
    with database.begin() as tx:
        logins.revoke_token(tx, logins.tokens(tx, "alice")[0].id)
    assert [holder(reception.installation, token) for token in tokens] == [expected, expected, None]
    reception.clock.advance(days=90)
    assert [holder(reception.installation, token) for token in tokens] == [None] * 3
    fresh = reception.token("alice", "records:read")
    with database.begin() as tx:
        logins.deactivate_user(tx, "alice")
    assert holder(reception.installation, fresh) is None


@pytest.mark.parametrize("token", ["", "atp_", "atp_" + "x" * 43, "secret", "atp_\x00"])
def test_what_was_never_made_opens_nothing(reception: Reception, token: str) -> None:
    assert holder(reception.installation, token) is None


def test_the_last_use_of_a_token_is_noted_at_most_once_a_minute(reception: Reception) -> None:
    token, seen_at = reception.token("alice"), []
    for seconds in (0, 30, 31):
        reception.clock.advance(seconds=seconds)
        holder(reception.installation, token)
        with reception.installation.database.read() as tx:
            seen_at.append(logins.tokens(tx, "alice")[0].used_at)
    assert seen_at[0] == seen_at[1]
    assert seen_at[2] - seen_at[1] == timedelta(seconds=61)


def test_a_token_is_kept_as_a_hash_alone(reception: Reception) -> None:
    token = reception.token("alice")
    with reception.installation.database.read() as tx:
        (row,) = logins.tokens(tx, "alice")
    assert token.startswith("atp_")
    assert token not in str(tuple(row))


def test_everything_wrong_with_a_new_token_is_told_at_once(reception: Reception) -> None:
    with reception.installation.database.begin() as tx, pytest.raises(Invalid) as refused:
        logins.create_token(tx, "alice", " ", ["workflows:approve"], days=91)
    assert [problem.path for problem in refused.value.problems] == ["scopes", "label", "days"]


# --- sessions ---


def test_a_session_ends_by_itself_by_signing_out_and_with_a_new_password(
    reception: Reception,
) -> None:
    installation = reception.installation
    with installation.database.begin() as tx:
        cookies = [logins.open_session(tx, "alice") for _ in range(3)]
        logins.close_session(tx, cookies[0])
    assert [signed_in(installation, cookie) is not None for cookie in cookies] == [
        False,
        True,
        True,
    ]
    with installation.database.begin() as tx:
        logins.set_password(tx, "alice", "correct horse")
        last = logins.open_session(tx, "alice")
    assert [signed_in(installation, cookie) for cookie in cookies] == [None] * 3
    reception.clock.advance(hours=11, minutes=59)
    assert signed_in(installation, last) is not None
    reception.clock.advance(minutes=1)
    assert signed_in(installation, last) is None


def test_a_password_given_again_is_noted(reception: Reception) -> None:
    with reception.installation.database.begin() as tx:
        cookie = logins.open_session(tx, "bob")
    reception.clock.advance(minutes=10)
    with reception.installation.database.begin() as tx:
        logins.prove(tx, cookie)
    found = signed_in(reception.installation, cookie)
    assert found is not None
    assert found.proved_at - found.created_at == timedelta(minutes=10)


def test_a_link_signs_in_once_and_within_the_hour(reception: Reception) -> None:
    with reception.installation.database.begin() as tx:
        first, second = logins.create_link(tx, "alice"), logins.create_link(tx, "alice")
        cookie = logins.use_link(tx, first)
        assert logins.use_link(tx, first) is None
        assert logins.use_link(tx, cookie or "") is None
    found = signed_in(reception.installation, cookie or "")
    assert found is not None
    assert found.principal == a_person_named("alice")
    assert signed_in(reception.installation, second) is None
    reception.clock.advance(hours=1)
    with reception.installation.database.begin() as tx:
        assert logins.use_link(tx, second) is None
