"""The whole story, with nothing pretended: an agent drafts, a person approves, the world hears.

    python examples/first_light.py

It starts `sayso serve` on a new installation, a real mail server and a real receiver of webhooks,
and then plays both parts: Alice's AI client, over MCP, and the admin, in a browser. SQLite by
default; set SAYSO_DATABASE_URL and SAYSO_QUEUE_URL for PostgreSQL and Redis.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import anyio
import httpx
import httpx2
from aiosmtpd.controller import Controller
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from standardwebhooks import Webhook

from engine.settings import signing_secret

LOCAL, PATIENCE = "127.0.0.1", 30
KEY, PASSWORD = "only-for-this-example", "correct horse battery"
SCOPES = ("records:read", "records:write", "workflows:read", "workflows:write", "workflows:test",
          "workflows:toggle", "runs:read")  # fmt: skip
Document = dict[str, Any]
Request = tuple[dict[str, str], bytes]


def main() -> None:
    with ExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory(prefix="sayso-")))
        mails, mail_url = open_things.enter_context(mail_server())
        calls, hook_url = open_things.enter_context(webhook_receiver())
        commands = Sayso(folder, mail_url)
        token = people(commands)
        address = open_things.enter_context(commands.serving())
        tell(f"Sayso is at {address}, its mail goes to {mail_url}, its webhooks to {hook_url}.")
        with rest(address, token) as api:
            paid, unpaid = records(api)
            link = anyio.run(agent_drafts, address, token, hook_url, paid)
            person_approves(address, link)
            tell("The invoice is paid: its status changes, over REST.")
            answer(
                api.patch(
                    f"/records/invoices/{unpaid}", json={"values": {"status": "Paid", "balance": 0}}
                )
            )
            mail_arrives(mails)
            webhook_arrives(calls)
            story(api)
    tell("That was all of it. Everything has stopped again.")


# --- the stations ---


def people(commands: "Sayso") -> str:
    """An admin who approves, and Alice, whose AI client gets a token. Returns the token."""
    tell("Two people are let in: admin, who approves, and alice, who writes.")
    create = ("user", "create")
    commands.run(
        *create, "admin", "--role", "admin", "--role", "approver", "--password-stdin", text=PASSWORD
    )
    commands.run(*create, "alice", "--role", "author", "--email", "alice@sayso.test")
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    return commands.run("token", "create", "--user", "alice", "--name", "Agent", *scopes).strip()


def records(api: httpx.Client) -> tuple[int, int]:
    """A customer, an invoice that is paid, and one that is not. Returns the ids of the two."""
    customer = {"name": "ACME", "email": "ap@acme.test", "owner": "alice"}
    answer(api.post("/records/accounts", json={"values": customer}))
    paid, unpaid = (
        answer(api.post("/records/invoices", json={"values": {"account": "ACME", **values}}))
        for values in (
            {"status": "Paid", "total": "80.00", "balance": "0.00"},
            {"status": "Sent", "total": "1200.50", "balance": "1200.50"},
        )
    )
    tell(
        f"There is a customer, ACME, with {paid['number']}, paid, and {unpaid['number']}, not yet."
    )
    return int(paid["id"]), int(unpaid["id"])


async def agent_drafts(address: str, token: str, hook_url: str, paid: int) -> str:
    """What an AI client does with Alice's wish. Returns the link for a person."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
    ):
        agent = Agent(client)
        tell("Alice tells her AI client: thank customers when they pay, and tell accounting.")
        (invoices,) = (await agent.ask("describe_modules", modules=["invoices"]))["modules"]
        names = [field["name"] for field in invoices["fields"]]
        tell(
            f"It reads what an invoice is: {len(names)} fields, among them {', '.join(names[:4])}."
        )

        draft = await agent.ask("draft_workflow", document=wish(hook_url))
        (problem,) = draft["problems"]
        tell(f"Its first draft has a mistake: {problem['path']}: {problem['message']}")
        tell(f"Sayso says how to correct it: {problem['remedy']}")
        right = {"op": "set", "step": "thank", "key": "to", "value": ["{{ record.account.email }}"]}
        given = {"workflow": draft["workflow"], "revision": draft["revision"]}
        draft = await agent.ask("edit_workflow", **given, edits=[right])
        tell("It corrects that one step. The workflow in plain words:", *draft["words"])

        tried = await agent.ask("test_workflow", workflow=draft["workflow"], records=[paid])
        (record,) = tried["records"]
        would = [f"{effect['does']} ({effect['outcome']})" for effect in record["effects"]]
        tell(f"It tries it on {record['number']}; nothing is done, but this would be:", *would)
        meant = await agent.ask("preview_audience", workflow=draft["workflow"])
        tell(f"It asks how many it is about now: {meant['count']} such invoice is there.")

        given = {"workflow": draft["workflow"], "revision": draft["revision"]}
        sent = await agent.ask("submit_workflow", **given, note="Alice asked for it.")
        switched = await agent.ask("toggle_workflow", workflow=draft["workflow"], active=True)
        tell(f"It submits it, and tries to switch it on itself: {switched['state']}.")
        return str(sent["link"])


def wish(hook_url: str) -> Document:
    """The agent's first try. There is no field `emial`."""
    return {
        "name": "Invoices - Thank for a payment",
        "description": "Customers like to know that their payment arrived; accounting must know.",
        "module": "invoices",
        "trigger": {"type": "record_saved"},
        "conditions": {"field": "status", "op": "becomes", "value": "Paid"},
        "steps": [
            {
                "id": "thank",
                "type": "send_email",
                "to": ["{{ record.account.emial }}"],
                "subject": "Thank you: {{ record.number }}",
                "body": "Dear {{ record.account.name }},\n\nyour payment of "
                "{{ record.total|money('EUR') }} has arrived. Thank you!",
            },
            {"id": "tell_accounting", "type": "webhook", "url": hook_url},
        ],
    }


def person_approves(address: str, link: str) -> None:
    """What the admin's browser does: sign in, read the page of the review, press the button."""
    with httpx.Client(base_url=address, follow_redirects=True, timeout=PATIENCE) as browser:
        browser.post("/login", data={"username": "admin", "password": PASSWORD})
        sender = {"own_name": "Example Ltd", "own_address": "office@example.test"}
        browser.post("/system/senders", data=sender).raise_for_status()
        tell(f"The admin says in whose name mail goes out: {sender['own_address']}.")
        page = browser.get(link)
        shown = re.search(r'name="hash" value="([0-9a-f]{64})"', page.text)
        if shown is None:
            raise SystemExit(f"The review page {link} shows no hash:\n{page.text}")
        tell(f"The admin opens {link} and reads it.", f"What is approved has the hash {shown[1]}.")
        form = {"hash": shown[1], "comment": "Nice and short.", **confirmed(page.text)}
        done = browser.post(f"{link}/approve", data=form)
        done.raise_for_status()
    tell("The admin approves. From now on it runs, exactly as it was read.")


def confirmed(page: str) -> dict[str, str | list[str]]:
    """The boxes that the page asks a person to tick."""
    return {"seen": re.findall(r'name="seen"[^>]*value="([^"]*)"', page)}


def mail_arrives(mails: "Queue[EmailMessage]") -> None:
    mail = mails.get(timeout=PATIENCE)
    body = mail.get_body(("plain",))
    words = body.get_content().strip().splitlines() if body else []
    tell(f"A mail arrives at {mail['To']}: {mail['Subject']}", *filter(None, words))


def webhook_arrives(calls: "Queue[Request]") -> None:
    headers, body = calls.get(timeout=PATIENCE)
    payload = Webhook(signing_secret(KEY.encode(), LOCAL)).verify(body, headers)
    fields = payload["fields"]
    tell(
        f"Accounting is called, under the id {headers['webhook-id']}, and the signature is right.",
        f"It reads of {fields['number']}: status {fields['status']}, total {fields['total']}.",
    )


def story(api: httpx.Client) -> None:
    """The run, step by step, as anyone may read it afterwards."""
    for _ in range(PATIENCE * 10):
        (run,) = answer(api.get("/runs"))["runs"]
        if run["state"] not in ("running", "waiting"):
            break
        threading.Event().wait(0.1)
    told = answer(api.get(f"/runs/{run['run']}"))
    steps = [f"{step['does']}: {step['outcome']}; {step['said']}" for step in told["story"]]
    tell(f"The run R-{run['run']} is {run['state']}. Its story:", *steps)


# --- the parts ---


class Agent:
    """An AI client: it calls tools and reads what comes back."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        if result.is_error or result.structured_content is None:
            raise SystemExit(f"{tool}: {result.content}")
        return dict(result.structured_content)


class Sayso:
    """The command line, on an installation of its own."""

    def __init__(self, folder: Path, mail_url: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "SAYSO_DATA_DIR": str(folder / "data"),
            "SAYSO_SMTP_URL": mail_url,
            "SAYSO_SECRET_KEY": KEY,
            # Webhooks go to public addresses alone, unless an inside network is named.
            "SAYSO_ALLOW_NETWORKS": f"{LOCAL}/32",
            "PYTHONPATH": str(Path(__file__).parent.parent),
        }

    def run(self, *words: str, text: str = "") -> str:
        done = subprocess.run(self._command(*words), **self._how(), input=text, check=False)
        if done.returncode:
            raise SystemExit(f"sayso {' '.join(words)}: {done.stderr}")
        return str(done.stdout)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """A server that runs until the block ends; yields its address."""
        server = subprocess.Popen(self._command("serve", "--port", "0"), **self._how())
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                raise SystemExit(f"Sayso did not start: {server.communicate()[1]}")
            yield found[0]
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "server", *words]

    def _how(self) -> dict[str, Any]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return {**pipes, "cwd": self.folder, "env": self.environment}


def rest(address: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{address}/api", headers=headers, timeout=PATIENCE)


def answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise SystemExit(f"{response.request.method} {response.url}: {response.text}")
    return dict(response.json())


@contextmanager
def mail_server() -> Iterator[tuple["Queue[EmailMessage]", str]]:
    """A mail server that keeps what it is given."""
    received: Queue[EmailMessage] = Queue()

    class Keep:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            read = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
            received.put(read)
            return "250 OK"

    controller = Controller(Keep(), hostname=LOCAL, port=free_port())
    controller.start()
    try:
        yield received, f"smtp://{LOCAL}:{controller.port}"
    finally:
        controller.stop()


@contextmanager
def webhook_receiver() -> Iterator[tuple["Queue[Request]", str]]:
    """A web server that keeps what it is sent."""
    received: Queue[Request] = Queue()

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: what arrives is told by the story."""

    with HTTPServer((LOCAL, 0), Keep) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield received, f"http://{LOCAL}:{server.server_port}/accounting"
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with HTTPServer((LOCAL, 0), BaseHTTPRequestHandler) as probe:
        return int(probe.server_port)


def tell(station: str, *details: str) -> None:
    print(f"\n{station}")
    for detail in details:
        print(f"    {detail}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
