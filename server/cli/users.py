"""The commands about who may come in: users, and the tokens of programs and AI clients."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from engine.people.roles import LONGEST_TOKEN_DAYS, ROLES, SCOPES
from server.cli.terminal import asked_password, link, opened, writing

if TYPE_CHECKING:
    from sqlalchemy import Row

    from engine.installation import Installation
    from engine.people.logins import Principal
    from engine.records.transaction import Transaction


@click.group()
def user() -> None:
    """Who may sign in."""


@user.command("create")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--full-name", default="", help="How people call them.")
@click.option("--email", default="", help="Where their mail goes.")
def create_user(
    name: str, roles: tuple[str, ...], password_stdin: bool, full_name: str, email: str
) -> None:
    """Let NAME in, or change what NAME may do. Without a password they sign in by link."""
    from engine.people import logins

    password = asked_password() if password_stdin or sys.stdin.isatty() else None
    with writing() as (_, tx):
        logins.create_user(tx, name, roles, password, name=full_name, email=email)
    click.echo(f"{name} may sign in, as {', '.join(roles)}.")


@user.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def set_password(name: str, password_stdin: bool) -> None:
    """Give NAME a new password, and sign them out everywhere."""
    from engine.people import logins

    if not (password_stdin or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal to ask at: use --password-stdin")
    password = asked_password()
    with writing() as (_, tx):
        logins.set_password(tx, name, password)
    click.echo(f"{name} has a new password.")


@user.command("link")
@click.argument("name")
def create_link(name: str) -> None:
    """Print an address that signs NAME in, once, within an hour."""
    from engine.people import logins

    with writing() as (installation, tx):
        click.echo(link(installation, logins.create_link(tx, name)))


@user.command("list")
def list_users() -> None:
    """All who may sign in, and as what."""
    from engine.people import logins

    with opened().database.read() as tx:
        for row in logins.logins(tx):
            off = "" if row.active else "   (may not sign in any more)"
            click.echo(f"{row.username:20} {', '.join(row.roles)}{off}")


@click.group()
def token() -> None:
    """What programs and AI clients come in with."""


@token.command("create")
@click.option("--user", "username", required=True, help="Whom it acts for.")
@click.option("--name", "label", required=True, help="Which program will hold it.")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES))
@click.option("--days", default=LONGEST_TOKEN_DAYS, show_default=True, type=int)
def create_token(username: str, label: str, scopes: tuple[str, ...], days: int) -> None:
    """Print a new token; it is shown this once."""
    from engine.people import audit, logins

    with writing() as (_, tx):
        made = logins.create_token(tx, username, label, scopes, days)
        audit.record(tx, username, "create token", f"users/{username}", {"label": label})
    click.echo(made)


@token.command("list")
@click.option("--user", "username", help="Only those that act for this user.")
def list_tokens(username: str | None) -> None:
    """All tokens, with what they may do."""
    from engine.people import logins

    with opened().database.read() as tx:
        for row in logins.tokens(tx, username):
            facts = f"{row.id:5}  {row.username:16} {row.label:20} {state(tx, row):20}"
            click.echo(f"{facts} {' '.join(row.scopes)}")


@token.command("revoke")
@click.argument("id", type=int)
def revoke_token(id: int) -> None:
    """Make token ID (see `token list`) open nothing any more."""
    from engine.people import logins

    with writing() as (_, tx):
        if id not in {row.id for row in logins.tokens(tx)}:
            raise click.ClickException(f"there is no token {id}. `sayso token list` shows them.")
        logins.revoke_token(tx, id)
    click.echo(f"Token {id} opens nothing any more.")


def client_of(installation: "Installation", username: str | None, token: str) -> "Principal":
    """Whom an AI client acts for that runs on this machine: a token's holder, or a user by name."""
    from engine.people import logins

    with installation.database.read() as tx:
        holder = logins.token_holder(tx, token)
        names = [row.username for row in logins.logins(tx) if row.active]
        only = names[0] if len(names) == 1 else ""
        found = logins.person(tx, username or only)
    if token and not username:
        if holder is None:
            raise click.ClickException("SAYSO_TOKEN is unknown, too old or revoked. Make another.")
        return holder
    if found is None:
        told = f"there is no user {username}" if username else "say whom it acts for, with --user"
        raise click.UsageError(f"{told}. Users: {', '.join(names) or 'none yet'}.")
    return replace(found, scopes=frozenset(SCOPES), token="this machine", agent=True)


def state(tx: "Transaction", token: "Row[Any]") -> str:
    if token.revoked_at:
        return "revoked"
    return f"{'expired' if token.expires_at <= tx.now else 'until'} {token.expires_at:%Y-%m-%d}"
