"""What the commands share: the installation, passwords, progress bars, troubles told in words.

It is imported by `sayso --help` too, so what takes long to import is imported when it is needed.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

if TYPE_CHECKING:
    from engine.installation import Installation
    from engine.records.transaction import Transaction


class Words(click.Group):
    """Commands that tell a user's mistake in words; a traceback is for mistakes of ours."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # told in words already; or whoever read our output has seen enough
        except Exception as error:
            from server.cli.troubles import in_words

            if told := in_words(error):
                raise click.ClickException(told) from None
            raise


def opened() -> "Installation":
    """The installation that the settings name; its tables are made at first use."""
    from engine.installation import Installation
    from engine.settings import Settings

    installation = closing_at_end(Installation.of(Settings()))
    installation.prepare()
    return installation


def closing_at_end(installation: "Installation") -> "Installation":
    """Let go of the database and the queue when the command ends."""
    click.get_current_context().call_on_close(installation.close)
    return installation


@contextmanager
def writing() -> Iterator[tuple["Installation", "Transaction"]]:
    installation = opened()
    with installation.database.begin() as tx:
        yield installation, tx


def link(installation: "Installation", secret: str, page: str = "/login/link") -> str:
    """The address that signs its reader in, or lets the first user come in at `/welcome`."""
    return f"{installation.settings.address}{page}?{urlencode({'secret': secret})}"


def asked_password() -> str:
    """A password from the terminal, asked for twice, or from what is piped in."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.read().rstrip("\r\n")


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error that fills up, where that is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=1, label=label, file=sys.stderr, hidden=hidden) as bar:

        def shown(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield shown
