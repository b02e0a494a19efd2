"""The command line: start Sayso, fill it, look after it. `sayso COMMAND --help` tells the rest."""

import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from server.cli import kill_switch, story, users
from server.cli.terminal import Words, closing_at_end, opened, progress
from server.version import VERSION


# Each command imports what it needs when it runs, so that `sayso --help` answers at once.
@click.group(cls=Words)
@click.version_option(VERSION, prog_name="sayso")
def main() -> None:
    """Workflows for business records. Nothing runs without your say-so."""


main.add_command(users.user)
main.add_command(users.token)
main.add_command(kill_switch.stop)
main.add_command(kill_switch.go_on)
main.add_command(story.explain)


# --- running ---


@main.command()
@click.option("--host", help="Where to listen; 127.0.0.1 is this machine only.")
@click.option("--port", type=int, help="0 takes a free one.")
@click.option("--demo", is_flag=True, help="Load the demo company, if nothing is there yet.")
@click.option("--no-worker", is_flag=True, help="Answer requests only; workers run elsewhere.")
def serve(host: str | None, port: int | None, demo: bool, no_worker: bool) -> None:
    """Start the web pages, the API and MCP, and a worker beside them."""
    from engine.installation import Installation
    from engine.outside.texting import CAPTURE
    from engine.settings import Settings
    from server import serving
    from server.cli import logs, upgrading, welcome

    given = Settings()
    logs.set_up(given)
    host, port = host or given.host, given.port if port is None else port
    with closing(serving.listening(host, port)) as sock:
        at: dict[str, Any] = {"host": host, "port": sock.getsockname()[1]}
        if demo and not given.sms_url:
            at["sms_url"] = CAPTURE
        installation = closing_at_end(Installation.of(given.model_copy(update=at)))
        if installation.embedded and (done := upgrading.upgrade(installation)):
            click.echo(f"{done}\n")
        installation.prepare()
        token = ""
        if demo:
            with progress("Living through the demo's past days") as shown:
                token = welcome.prepare_demo(installation, shown)
        click.echo(welcome.words(installation, demo=demo, token=token))
        serving.serve(installation, sock, work=not no_worker)


@main.command()
@click.option("--threads", default=2, show_default=True, type=click.IntRange(1, 64))
def worker(threads: int) -> None:
    """Carry runs on, beside those that other processes do."""
    from server import serving
    from server.cli import logs

    installation = opened()
    logs.set_up(installation.settings)
    click.echo("Working. Ctrl+C stops it.")
    serving.work(installation, threads)


@main.command()
@click.option("--user", help="Whom the client acts for.")
def mcp(user: str | None) -> None:
    """Speak MCP over standard input and output, for clients that start their servers."""
    from server.mcp.server import serve_stdio

    installation = opened()
    serve_stdio(
        installation, users.client_of(installation, user, os.environ.get("SAYSO_TOKEN", ""))
    )


# --- records ---


@main.command("import")
@click.argument("module")
@click.argument("file", type=click.File("rb"))
@click.option("--start-workflows", is_flag=True, help="Let workflows hear of each row.")
@click.option("--match", help="The field that tells which record a row is; or number, or id.")
@click.option(
    "--duplicates",
    type=click.Choice(["merge", "overwrite", "ignore"]),
    default="merge",
    show_default=True,
    help="For records that are there: keep what is blank here, empty it, or leave all.",
)
def import_(
    module: str, file: BinaryIO, start_workflows: bool, match: str | None, duplicates: Any
) -> None:
    """Create and change records of MODULE from the CSV file FILE (- reads standard input)."""
    from engine.people import logins
    from engine.records.csv_import import import_csv

    installation = opened()
    with progress("Importing") as shown:
        done = import_csv(
            installation.database,
            module,
            file,
            author=logins.BY_SAYSO,
            start_workflows=start_workflows,
            match=match,
            duplicates=duplicates,
            progress=shown,
            changed=installation.changed,
        )
    for row, problem in done.problems:
        click.echo(f"row {row}: {problem}", err=True)
    faulty = len({row for row, _ in done.problems})
    click.echo(
        f"{done.created} created, {done.updated} changed, {done.unchanged} as they were,"
        f" {faulty} refused."
    )
    if faulty:
        raise SystemExit(1)


@main.command()
@click.argument("module")
@click.option(
    "--output", type=click.Path(dir_okay=False), help="A file, instead of standard output."
)
@click.option("--plain", is_flag=True, help="Leave texts that look like formulas as they are.")
def export(module: str, output: str | None, plain: bool) -> None:
    """Write all records of MODULE as CSV."""
    from engine.records.csv_export import export_csv

    installation = opened()
    with installation.database.read() as tx:
        tx.schema.module(module)
    with ExitStack() as until_written, progress("Exporting") as shown:
        out: TextIO = sys.stdout
        if output:
            out = until_written.enter_context(Path(output).open("w", encoding="utf-8", newline=""))
        export_csv(installation.database, module, out, spreadsheet_safe=not plain, progress=shown)


# --- looking after it ---


@main.command()
def doctor() -> None:
    """Say what is set, what is missing and what that switches off."""
    from engine.installation import Installation
    from engine.settings import Settings
    from server.cli import diagnosis

    marks = {"ok": ("ok", "green"), "off": ("off", "yellow"), "wrong": ("WRONG", "red")}
    wrong = False
    for finding in diagnosis.examine(closing_at_end(Installation.of(Settings()))):
        word, colour = marks[finding.state]
        wrong |= finding.state == "wrong"
        click.echo(f"{click.style(f'{word:6}', fg=colour)} {finding.what:16} {finding.said}")
    if wrong:
        raise SystemExit(1)


@main.command()
@click.argument("kind", type=click.Choice(["mail", "hook", "form"]))
@click.argument("name", default="")
def door(kind: str, name: str) -> None:
    """Print the address that takes mail, the calls of the hook NAME, or the public form NAME."""
    from engine.outside.hooks import NAME, Hooks
    from engine.settings import Settings

    if kind != "mail" and not NAME.fullmatch(name):
        raise click.ClickException("Give it a name of a-z, 0-9, _ and -, like: shop")
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    hooks = Hooks(settings.address, settings.key())
    match kind:
        case "mail":
            click.echo(hooks.url("mail"))
        case "form":
            click.echo(hooks.url("form", name))
        case _:
            click.echo(hooks.url("in", name))
            click.echo(f"Or signed (Standard Webhooks): {settings.address}/hooks/in/{name}")
            click.echo(f"with the secret {hooks.secret(name)}")


@main.command("signing-secret")
@click.argument("host")
def signing(host: str) -> None:
    """Print the secret that proves to HOST that a webhook is ours (Standard Webhooks)."""
    from engine.settings import Settings, signing_secret

    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    click.echo(signing_secret(settings.key(), host))


@main.command()
@click.option("--dumped", is_flag=True, help="A dump of the PostgreSQL database has been made.")
def upgrade(dumped: bool) -> None:
    """Bring a database of an earlier release to this one; stop the processes of that one first."""
    from engine.installation import Installation
    from engine.settings import Settings
    from server.cli import upgrading

    installation = closing_at_end(Installation.of(Settings()))
    click.echo(upgrading.upgrade(installation, dumped=dumped) or upgrading.nothing(installation))


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=False))
def backup(file: str) -> None:
    """Copy the database to FILE, while Sayso goes on working."""
    from sqlalchemy import make_url

    from engine.settings import Settings
    from engine.upgrades.backup import copy

    url = make_url(Settings().database)
    if url.get_backend_name() != "sqlite":
        told = "The database is PostgreSQL. Back it up with its own tool: pg_dump --format=custom"
        raise click.ClickException(f"{told} --file={file} {url.database}")
    if Path(file).exists():
        raise click.ClickException(f"{file} is there already. Choose another name.")
    if not Path(url.database or "").exists():
        raise click.ClickException(f"there is no database at {url.database} yet.")
    with progress("Copying") as shown:
        copy(str(url.database), file, shown)
    click.echo(
        f"{file} is a whole copy of the database. Keep secret.key of the data folder with it."
    )


@main.command()
@click.option("--check", is_flag=True, help="Only say whether it is current.")
def reference(check: bool) -> None:
    """Write docs/reference.md anew, from the classes it describes, and the list of phrases."""
    from server.cli import phrase_list, reference_page

    written = {
        reference_page.FILE: reference_page.reference(),
        phrase_list.FILE: phrase_list.phrase_list(),
    }
    for file, text in written.items():
        current = file.exists() and file.read_text(encoding="utf-8") == text
        if check and not current:
            raise click.ClickException(f"{file.name} is out of date. Run: sayso reference")
        if not current:
            file.write_text(text, encoding="utf-8")
        click.echo(f"{file.name} is current.")
