"""The command line: what its commands do, print and refuse."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result
from mcp import Client, StdioServerParameters
from standardwebhooks import Webhook

from engine.installation import Installation
from engine.outside.hooks import Hooks
from engine.outside.receiving import receive
from engine.people import logins
from engine.queue import beat
from engine.settings import Settings, signing_secret
from server.cli.commands import main
from server.cli.diagnosis import examine
from server.cli.welcome import ROLES, words
from tests.databases import Pair


@pytest.fixture(autouse=True)
def _installation(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find an empty installation in their environment, and no `.env` beside them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", pair.database_url)
    monkeypatch.setenv("SAYSO_QUEUE_URL", pair.queue_url)
    monkeypatch.setenv("SAYSO_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def installation(_installation: None) -> Iterator[Installation]:
    """The installation that the commands work on."""
    installation = Installation.of(Settings())
    yield installation
    installation.close()


HOUSE = Path(__file__).parent.parent.parent
only_sqlite = pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)


def run(*words: str, **how: Any) -> Result:
    return CliRunner().invoke(main, words, **how)


def with_anna() -> None:
    run("user", "create", "anna", "--role", "author", "--password-stdin", input="let me in!\n")


def test_a_user_is_created_with_a_password_from_standard_input(installation: Installation) -> None:
    words = ("user", "create", "anna", "--role", "admin", "--role", "approver", "--password-stdin")
    created = run(*words, input="let me in!\n")
    assert (created.exit_code, created.stdout) == (0, "anna may sign in, as admin, approver.\n")
    with installation.database.read() as tx:
        who = logins.check_password(tx, "anna", "let me in!")
    assert who == logins.Principal("anna", frozenset({"admin", "approver"}))
    assert run("user", "list").stdout.split() == ["anna", "admin,", "approver"]


def test_a_token_is_printed_alone_and_opens_what_it_says(installation: Installation) -> None:
    with_anna()
    scopes = ("--scope", "records:read", "--scope", "runs:read")
    made = run("token", "create", "--user", "anna", "--name", "Laptop", *scopes)
    assert (made.exit_code, made.stderr) == (0, "")
    with installation.database.read() as tx:
        holder = logins.token_holder(tx, made.stdout.removesuffix("\n"))
    assert holder is not None
    assert (holder.name, holder.scopes) == ("anna", frozenset({"records:read", "runs:read"}))
    assert "Laptop" in run("token", "list").stdout
    assert run("token", "revoke", "1").exit_code == 0
    assert "revoked" in run("token", "list").stdout


def test_a_link_signs_in_once(installation: Installation) -> None:
    with_anna()
    secret = run("user", "link", "anna").stdout.strip().rpartition("secret=")[2]
    with installation.database.begin() as tx:
        first, second = logins.use_link(tx, secret), logins.use_link(tx, secret)
    assert (first is None, second is None) == (False, True)


def test_records_go_out_and_come_in(tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("Name;Credit limit\nACME;12,5\nBETA;300\n", encoding="utf-8")
    done = run("import", "accounts", str(file))
    assert done.exit_code == 1
    assert done.stdout == "1 created, 0 changed, 0 as they were, 1 refused.\n"
    assert done.stderr.startswith("row 2: `credit_limit`: Credit limit takes a number, not '12,5'.")
    shown = run("export", "accounts")
    assert (shown.exit_code, shown.stdout.count("BETA"), "ACME" in shown.stdout) == (0, 1, False)
    written = run("export", "accounts", "--output", str(tmp_path / "out.csv"))
    assert (written.exit_code, written.stdout) == (0, "")
    again = run("import", "accounts", str(tmp_path / "out.csv"))
    assert again.stdout == "0 created, 0 changed, 1 as they were, 0 refused.\n"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("export", "invoces"), 1, "there is no module `invoces`. Did you mean `invoices`?"),
        (("user", "create", "eve", "--role", "boss"), 2, "'boss' is not one of"),
        (("user", "password", "eve", "--password-stdin"), 1, "there is no user `eve`."),
        (("token", "create", "--user", "eve", "--name", "x", "--scope", "approve"), 2, "--scope"),
        (("token", "revoke", "7"), 1, "there is no token 7."),
        (("mcp",), 2, "say whom it acts for, with --user"),
        (("import", "accounts", "nothing.csv"), 2, "nothing.csv"),
    ],
)
def test_a_mistake_is_told_in_words(words: tuple[str, ...], code: int, told: str) -> None:
    done = run(*words, input="a password\n")
    assert (done.exit_code, told in done.stderr, "Traceback" in done.output) == (code, True, False)
    assert done.stdout == ""


@only_sqlite
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SAYSO_DATABASE_URL", "postgresql+psycopg://x:secret@127.0.0.1:1/x", "cannot be reached"),
        ("SAYSO_QUEUE_URL", "redis://127.0.0.1:1/0", "cannot be reached"),
        ("SAYSO_SMTP_URL", "http://mail.test", "SAYSO_SMTP_URL: The mail server address begins"),
    ],
)
def test_the_doctor_says_what_does_not_work(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run("doctor")
    assert (done.exit_code, told in done.stdout, "secret" in done.stdout) == (1, True, False)


def test_the_doctor_says_what_is_switched_off(installation: Installation) -> None:
    with_anna()
    states = {finding.what: finding.state for finding in examine(installation)}
    assert states == {
        "address": "ok",
        "data folder": "ok",
        "database": "ok",
        "queue": "ok",
        "company": "ok",
        "users": "ok",
        "worker": "off",
        "mail": "off",
        "sender": "off",
        "incoming mail": "off",
        "text messages": "off",
        "accounting system": "off",
        "functions": "off",
        "PDFs": "ok",
        "AI model": "off",
        "kept": "off",
        "inside networks": "off",
    }


def test_the_doctor_knows_when_a_worker_was_last_seen(installation: Installation) -> None:
    with_anna()
    beat(installation.worker)
    (found,) = (finding for finding in examine(installation) if finding.what == "worker")
    assert (found.state, found.said) == ("ok", "seen 0 seconds ago")


@only_sqlite
def test_a_client_may_start_the_tools_itself() -> None:
    with_anna()
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "server", "mcp", "--user", "anna"],
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
    )

    async def asks() -> tuple[set[str], Any]:
        async with Client(command) as client:
            tools = await client.list_tools()
            found = await client.call_tool("search_records", {"module": "users"})
            return {tool.name for tool in tools.tools}, found.structured_content

    tools, found = anyio.run(asks)
    assert {"draft_workflow", "submit_workflow"} <= tools
    assert found["total"] == 1


@only_sqlite
def test_a_backup_is_a_whole_database(tmp_path: Path) -> None:
    with_anna()
    done = run("backup", "copy.db")
    assert done.exit_code == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("select username from sayso_logins").fetchall() == [("anna",)]
    assert "is there already" in run("backup", "copy.db").stderr


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_a_backup_of_postgres_is_the_work_of_pg_dump() -> None:
    done = run("backup", "copy.db")
    assert (done.exit_code, "pg_dump" in done.stderr) == (1, True)


def test_a_receiver_can_be_told_the_secret_of_its_webhooks() -> None:
    told = run("signing-secret", "hooks.example.com").stdout.strip()
    payload, at = '{"id": 1}', datetime(2026, 3, 10, 8, tzinfo=UTC)
    signature = Webhook(signing_secret(Settings().key(), "hooks.example.com")).sign(
        "1", at, payload
    )
    assert Webhook(told).sign("1", at, payload) == signature


def test_the_doors_for_other_systems_are_printed(installation: Installation) -> None:
    hooks = Hooks(Settings().address, Settings().key())
    assert run("door", "mail").stdout == f"{hooks.url('mail')}\n"
    assert run("door", "form", "contact").stdout == f"{hooks.url('form', 'contact')}\n"
    address, *signed = run("door", "hook", "shop").stdout.splitlines()
    assert address == hooks.url("in", "shop")
    assert hooks.secret("shop") in signed[-1]
    assert "Give it a name" in run("door", "hook").output


def test_the_doctor_says_when_mail_came_last_and_what_is_in_its_way(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.prepare()

    def incoming(installation: Installation) -> tuple[str, str]:
        found = next(one for one in examine(installation) if one.what == "incoming mail")
        return found.state, found.said

    assert incoming(installation)[0] == "off"
    with installation.database.begin() as tx:
        receive(tx, installation.settings.data_dir, b"From: ana@acme.test\n\nHi")
    state, said = incoming(installation)
    assert (state, "the last mail came at" in said) == ("ok", True)
    monkeypatch.setenv("SAYSO_IMAP_URL", "imap://a:s3cret@mail.test/INBOX")
    with closing(replace(installation, settings=Settings())) as secured:
        state, said = incoming(secured)
    assert (state, "unencrypted" in said, "s3cret" in said) == ("wrong", True, False)


@only_sqlite
@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"], ["token", "create", "--help"]])
def test_P4_help_comes_at_once_because_it_imports_nothing_large(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from server.cli.commands import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "large = {'anthropic', 'fastapi', 'mcp', 'pydantic', 'redis', 'sqlalchemy'}\n"
        "print(sorted(large & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: ")
    assert done.stdout.splitlines()[-1] == "[]"


def test_P3_the_sender_of_mails_can_come_from_the_environment(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sender() -> tuple[str, str]:
        return next((it.state, it.said) for it in examine(installation) if it.what == "sender")

    run("user", "list")
    assert sender()[0] == "off"
    monkeypatch.setenv("SAYSO_SENDER", "nobody")
    assert "SAYSO_SENDER" in run("user", "list").stderr
    monkeypatch.setenv("SAYSO_SENDER", "Billing <billing@acme.test>")
    run("user", "list")
    assert sender() == ("ok", "Billing <billing@acme.test>")
    monkeypatch.setenv("SAYSO_SENDER", "other@acme.test")
    run("user", "list")
    assert sender() == ("ok", "Billing <billing@acme.test>")


@only_sqlite
def test_serve_says_in_five_lines_how_to_come_in_and_the_link_comes_last(
    installation: Installation,
) -> None:
    installation.prepare()
    *_, how, first = words(installation, demo=False).splitlines()
    assert how == "Nobody can sign in yet. Become the first user (once, within the hour):"
    assert first.startswith(f"{installation.settings.address}/welcome?secret=")
    with installation.database.begin() as tx:
        for username, roles in ROLES.items():
            logins.create_user(tx, username, roles)
    told = words(installation, demo=True, token="atp_1").splitlines()
    assert [line.split()[0] for line in told] == ["Sayso", "Claude", "AI", "Password", "Sign"]
    assert "atp_1" in told[1]
    assert "/login/link?secret=" in told[-1]
