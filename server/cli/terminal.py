"""What the commands share: the installation, passwords, progress bars, troubles told in words."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import click
from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.installation import Installation
from engine.problems import Invalid
from engine.records.csv_export import Progress
from engine.records.transaction import Transaction
from engine.settings import Settings
from server.cli.diagnosis import in_short


class Words(click.Group):
    """Commands that tell a user's mistake in words; a traceback is for mistakes of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Invalid as invalid:
            raise click.ClickException("\n".join(map(str, invalid.problems))) from None
        except ValidationError as invalid:
            faults = (f"{named(str(it['loc'][0]))}: {it['msg']}" for it in invalid.errors())
            raise click.ClickException("A setting cannot be read. " + "; ".join(faults)) from None
        except ArgumentError:
            like = "postgresql+psycopg://user:password@host/name"
            raise click.ClickException(f"SAYSO_DATABASE_URL is not like {like}.") from None
        except BrokenPipeError:
            raise  # whoever read our output has seen enough
        except (DBAPIError, RedisError, OSError) as error:
            told = f"{in_short(error)}. `sayso doctor` shows what can be reached."
            raise click.ClickException(told) from None


def opened() -> Installation:
    """The installation that the settings name; its tables are made at first use."""
    installation = closing(Installation.of(Settings()))
    installation.prepare()
    return installation


def closing(installation: Installation) -> Installation:
    """Let go of the database when the command ends."""
    click.get_current_context().call_on_close(installation.database.engine.dispose)
    return installation


@contextmanager
def writing() -> Iterator[tuple[Installation, Transaction]]:
    installation = opened()
    with installation.database.begin() as tx:
        yield installation, tx


def link(installation: Installation, secret: str) -> str:
    """The address that signs its reader in."""
    return f"{installation.settings.address}/login/link?{urlencode({'secret': secret})}"


def named(setting: str) -> str:
    """A setting as the environment calls it."""
    return setting if setting.isupper() else f"SAYSO_{setting.upper()}"


def asked_password() -> str:
    """A password from the terminal, asked for twice, or from what is piped in."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.read().rstrip("\r\n")


@contextmanager
def progress(label: str) -> Iterator[Progress]:
    """A bar on standard error that fills up, where that is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=hidden) as bar:

        def shown(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield shown
