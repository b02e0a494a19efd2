"""The servers and fakes the other tests lean on do what they say."""

import smtplib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import anthropic
import httpx
import pytest
from anthropic.types import MessageParam, TextBlock, ToolUseBlock
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy import Connection, create_engine, text

from tests import fakes, servers
from tests.databases import Pair, TemplateDatabase
from tests.fakes import Clock, FakeClaude, Script
from tests.servers import Answer, MailServer, WebServer, http_server, web_server

MODEL = "claude-haiku-5-5"
ASK: list[MessageParam] = [{"role": "user", "content": "What is it about?"}]
TICKET: dict[str, object] = {
    "type": "object",
    "properties": {"category": {"type": "string"}},
    "required": ["category"],
    "additionalProperties": False,
}


@contextmanager
def connected(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_a_pair_is_an_empty_database_that_answers(pair: Pair) -> None:
    with connected(pair.database_url) as connection:
        connection.execute(text("CREATE TABLE only_here (n INTEGER)"))
        assert connection.scalar(text("SELECT 1")) == 1


def test_the_next_test_has_a_pair_of_its_own(pair: Pair) -> None:
    with connected(pair.database_url) as connection:
        connection.execute(text("CREATE TABLE only_here (n INTEGER)"))


def test_a_prepared_database_is_prepared_once_and_copied(
    template_database: TemplateDatabase,
) -> None:
    prepared: list[str] = []

    def prepare(database_url: str) -> None:
        prepared.append(database_url)
        with connected(database_url) as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.execute(text("CREATE TABLE numbers (n INTEGER)"))
            connection.execute(text("INSERT INTO numbers VALUES (7)"))

    first, second = template_database("numbers", prepare), template_database("numbers", prepare)
    with connected(first.database_url) as connection:
        connection.execute(text("DELETE FROM numbers"))
    with connected(second.database_url) as connection:
        assert list(connection.scalars(text("SELECT n FROM numbers"))) == [7]
    assert len(prepared) == 1


@pytest.mark.parametrize("pairs", ["postgres"], indirect=True)
def test_the_queue_of_the_postgres_pair_is_an_empty_redis_database(pair: Pair) -> None:
    with closing(Redis.from_url(pair.queue_url)) as client:
        assert (client.ping(), client.dbsize()) == (True, 0)


def test_P2_without_redis_what_needs_it_is_skipped_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAYSO_TEST_REDIS_URL", raising=False)
    monkeypatch.setattr(servers, "redis_program", lambda: None)
    with pytest.raises(pytest.skip.Exception, match="install redis-server"), servers.redis():
        raise AssertionError("nothing may be given where there is nothing")


def a_mail_to(*people: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "us@example.com", ", ".join(people), "Café"
    mail.set_content("Bonjour")
    return mail


def send(mailbox: MailServer, mail: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.port) as connection:
        connection.send_message(mail)


def test_a_mail_arrives_whole(mailbox: MailServer) -> None:
    send(mailbox, a_mail_to("ada@example.com", "bob@example.com"))
    [mail] = mailbox.received
    assert (mail.sender, mail.recipients) == (
        "us@example.com",
        ("ada@example.com", "bob@example.com"),
    )
    assert (mail.message["Subject"], mail.message.get_content()) == ("Café", "Bonjour\r\n")


def test_a_mail_server_refuses_whom_it_is_told_to(mailbox: MailServer) -> None:
    mailbox.answers = lambda command, argument: (
        "550 no such person" if (command, argument) == ("RCPT", "ada@example.com") else None
    )
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mailbox, a_mail_to("ada@example.com"))
    send(mailbox, a_mail_to("bob@example.com"))
    assert [mail.recipients for mail in mailbox.received] == [("bob@example.com",)]


def test_a_mail_server_can_lose_its_answer_but_not_the_mail(mailbox: MailServer) -> None:
    mailbox.loses_answers = True
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(mailbox, a_mail_to("ada@example.com"))
    assert len(mailbox.received) == 1


def test_a_web_server_records_the_request(receiver: WebServer) -> None:
    answer = httpx.put(f"{receiver.url}/hook?a=1", json={"n": 1}, headers={"Webhook-Id": "7"})
    [request] = receiver.requests
    assert (answer.status_code, request.method, request.path) == (200, "PUT", "/hook?a=1")
    assert (request.headers["webhook-id"], request.json()) == ("7", {"n": 1})


def test_a_web_server_gives_its_answers_in_turn() -> None:
    away = Answer(302, headers={"Location": "/elsewhere"})
    with web_server(503, away) as server:
        answers = [httpx.get(server.url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 302, 200]
    assert answers[1].headers["location"] == "/elsewhere"


def test_a_web_server_can_hang_up() -> None:
    with web_server(0) as server, pytest.raises(httpx.RemoteProtocolError):
        httpx.post(server.url, content=b"lost")
    assert [request.body for request in server.requests] == [b"lost"]


def test_a_page_opens_in_the_browser(page: Page) -> None:
    hello = Answer(body=b"<h1>Hello</h1>", headers={"Content-Type": "text/html"})
    with http_server(lambda request: hello) as url:
        page.goto(url)
        expect(page.get_by_role("heading")).to_have_text("Hello")


def test_the_clock_moves_when_told_to(clock: Clock) -> None:
    before = clock.now()
    assert clock.advance(days=1, hours=-1) == before + timedelta(hours=23)
    clock.set(datetime(2026, 3, 29, 1, tzinfo=UTC))
    assert clock.now() == datetime(2026, 3, 29, 1, tzinfo=UTC)


@contextmanager
def claude(script: Script) -> Iterator[tuple[FakeClaude, anthropic.Anthropic]]:
    fake = FakeClaude(script)
    with (
        fake.serve() as url,
        anthropic.Anthropic(api_key="test", base_url=url, max_retries=1) as client,
    ):
        yield fake, client


def test_claude_answers_a_schema_with_json() -> None:
    with claude([fakes.as_json({"category": "billing"})]) as (fake, client):
        message = client.messages.create(
            model=MODEL,
            max_tokens=99,
            messages=ASK,
            output_config={"format": {"type": "json_schema", "schema": TICKET}},
        )
    assert message.content == [TextBlock(type="text", text='{"category": "billing"}')]
    assert (message.stop_reason, fake.requests[0]["messages"]) == ("end_turn", ASK)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.1},
        {"thinking": {"type": "disabled"}},
        {"tool_choice": {"type": "any"}, "tools": [{"name": "look", "input_schema": TICKET}]},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
        {"output_config": {"format": {"type": "json_schema", "schema": {**TICKET, "maxItems": 1}}}},
        {"messages": [*ASK, {"role": "assistant", "content": "It is"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
    ],
)
def test_claude_refuses_what_the_api_refuses(wrong: dict[str, object]) -> None:
    with (
        claude(lambda body: fakes.text("never said")) as (fake, client),
        pytest.raises(anthropic.BadRequestError),
    ):
        client.messages.create(
            model="claude-sonnet-5-5", max_tokens=99, messages=ASK, extra_body=wrong
        )
    assert fake.requests == []


def test_claude_fails_as_scripted_and_the_sdk_tries_again() -> None:
    busy = fakes.error(429, "rate_limit_error", retry_after_ms="1")
    with claude([busy, fakes.refusal()]) as (fake, client):
        message = client.messages.create(model=MODEL, max_tokens=99, messages=ASK)
    assert (len(fake.requests), message.stop_reason, message.content) == (2, "refusal", [])


def test_claude_stops_at_the_limit() -> None:
    with claude(lambda body: fakes.text("word " * 9)) as (_, client):
        message = client.messages.create(model=MODEL, max_tokens=1, messages=ASK)
    assert message.content == [TextBlock(type="text", text="word")]
    assert message.stop_reason == "max_tokens"


def test_claude_streams_words_and_wishes_for_tools() -> None:
    wish = fakes.tool_use("look", {"at": "INV-1"})
    with claude([fakes.text("Hello"), wish]) as (_, client):
        with client.messages.stream(model=MODEL, max_tokens=99, messages=ASK) as stream:
            assert "".join(stream.text_stream) == "Hello"
        with client.messages.stream(model=MODEL, max_tokens=99, messages=ASK) as stream:
            [block] = stream.get_final_message().content
    assert isinstance(block, ToolUseBlock)
    assert (block.name, block.input) == ("look", {"at": "INV-1"})


def test_claude_counts_tokens() -> None:
    with claude([]) as (_, client):
        assert client.messages.count_tokens(model=MODEL, messages=ASK).input_tokens > 0
