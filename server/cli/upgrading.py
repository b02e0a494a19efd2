"""What `sayso upgrade` and the start of `sayso serve` do and say about an older database."""

import click
from sqlalchemy import Connection

from engine.installation import Installation
from engine.records import schema_number
from server.cli.terminal import progress


def upgrade(installation: Installation, *, dumped: bool = False) -> str:
    """Upgrade the database if it needs it. Returns what was done, in words; "" if nothing was.

    A PostgreSQL database is upgraded once somebody says that there is a dump of it: only a dump
    leads back to the earlier release.
    """
    number = _number(installation)
    if number is None or number >= schema_number.NUMBER:
        if number is not None:
            schema_number.check(number)
        return ""
    if not (installation.embedded or dumped):
        url = installation.database.engine.url
        told = f"The database has schema {number}, this program {schema_number.NUMBER}."
        command = f"pg_dump --format=custom --file={url.database}.dump {url.database}"
        raise click.ClickException(f"{told} {DUMP_FIRST.format(command)}")
    click.echo(f"Upgrading the database from schema {number} to {schema_number.NUMBER}.")
    with progress("Copying it first") as shown:
        done = installation.upgrade(lambda words: click.echo(f"  {words}"), shown)
    if done.before == done.after:
        return "Another process has upgraded it in the meantime."
    copied = f"\nHow it was before is kept in {done.copy}" if done.copy else ""
    return f"The database has schema {done.after} now.{copied}"


def nothing(installation: Installation) -> str:
    """What to say where there is nothing to upgrade."""
    number = _number(installation)
    if number is None:
        return "There is no database yet: `sayso serve` begins it."
    return f"The database is up to date (schema {number})."


def _number(installation: Installation) -> int | None:
    connection: Connection
    with installation.database.engine.connect() as connection:
        return schema_number.number_of(connection)


DUMP_FIRST = """\
Stop all processes of the older release and make a dump, the way back to it:

    {}

Then run: sayso upgrade --dumped"""
