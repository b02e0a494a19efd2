"""The bell and how a user wants to be told: over the pages, the database and the mail server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.outside.smtp import Delivery, Mail
from engine.outside.world import World
from engine.people.logins import create_user, open_session
from engine.records.database import Database
from engine.records.writer import Author, Records
from server.app import create_app
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.demo.story import Story, living

TELL = {
    "name": "Tickets - Tell",
    "description": "For a test.",
    "module": "tickets",
    "trigger": {"type": "record_saved"},
    "conditions": {"field": "priority", "op": "changed"},
    "steps": [
        {"id": "tell", "type": "notify", "to": ["bob"], "text": "Look at {{ record.number }}"}
    ],
}


@pytest.fixture
def story(template_database: TemplateDatabase, clock: Clock) -> Iterator[Story]:
    with living({}, template_database, clock) as story:
        story.approve(TELL)
        yield story


def browser(story: Story, username: str) -> TestClient:
    with story.installation.database.begin() as tx:
        create_user(tx, username, ["author"])
        cookie = open_session(tx, username)
    client = TestClient(
        create_app(story.installation), base_url=story.installation.settings.address
    )
    client.cookies.set("sayso_session", cookie)
    return client


def notices(database: Database) -> list[tuple[Any, ...]]:
    with database.read() as tx:
        table = tx.schema.tables["notifications"]
        query = select(table.c.user, table.c.channel, table.c.state, table.c.error)
        return [tuple(row) for row in tx.db.execute(query.order_by(table.c.id))]


def test_a_user_sees_the_bell_marks_it_read_and_chooses_how_to_be_told(story: Story) -> None:
    story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    with browser(story, "bob") as client:
        page = client.get("/notices").text
        assert "Look at TK-1" in page
        assert '<span class="n accent">1<span class="sr"> new</span></span>' in page
        client.post("/notices/read")
        assert '<span class="sr"> new</span>' not in client.get("/notices").text
        wishes = {"notify_email": "true", "digest_at": "07:30"}
        assert client.post("/notices", data=wishes).status_code == 200
        wrong = client.post("/notices", data={**wishes, "digest_at": "soon"})
        assert (wrong.status_code, "soon" in wrong.text) == (422, True)
    story.tell({"save": "TK-1", "values": {"priority": "Low"}})
    assert notices(story.installation.database) == [
        ("bob", "bell", "shown", None),
        ("bob", "email", "captured", None),
    ]


def test_one_user_does_not_see_what_another_was_told(story: Story) -> None:
    story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    with browser(story, "alice") as client:
        assert "Look at TK-1" not in client.get("/notices").text
        assert client.get("/notices").status_code == 200


class Post(World):
    """A world whose mail server answers as it is told, and may take the process with it."""

    answers: list[str]
    taken: list[Mail]

    def deliver(self, mail: Mail, connection: str = "") -> Delivery:
        self.taken.append(mail)
        answer = self.answers.pop(0)
        if answer == "dies":
            raise SystemExit
        return Delivery(answer, f"it said {answer}")  # type: ignore[arg-type]  # words of a test


@pytest.fixture
def post(story: Story) -> Post:
    """Bob wants mail, and there is a mail server."""
    with story.installation.database.begin() as tx:
        wishes = {"notify_bell": False, "notify_email": True}
        Records(tx, Author("admin")).update("users", 2, wishes)
    world = Post(story.clock.now, smtp_url="smtp://localhost:1", key=b"key of the tests")
    world.answers, world.taken = [], []
    story.installation.worker.world = world
    return world


def test_what_is_under_way_when_the_process_dies_is_never_sent_again(
    story: Story, post: Post
) -> None:
    post.answers += ["dies", "sent"]
    with pytest.raises(SystemExit):
        story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    story.tell({"tick": True})
    assert [mail.subject for mail in post.taken] == ["Look at TK-1"]
    assert notices(story.installation.database) == [("bob", "email", "sending", None)]
    story.tell({"save": "TK-2", "values": {"priority": "Critical"}})
    assert [mail.subject for mail in post.taken] == ["Look at TK-1", "Look at TK-2"]
    story.clock.advance(minutes=10)
    story.tell({"tick": True})
    assert [mail.subject for mail in post.taken] == ["Look at TK-1", "Look at TK-2"]
    lost = "whether it was sent is not known: the process stopped while sending"
    assert notices(story.installation.database) == [
        ("bob", "email", "unknown", lost),
        ("bob", "email", "sent", None),
    ]


def test_workers_who_post_at_once_send_each_notice_in_one_mail(story: Story, post: Post) -> None:
    with story.installation.database.begin() as tx:
        wishes = {"notify_digest": True, "digest_at": "10:00"}
        Records(tx, Author("admin")).update("users", 2, wishes)
    for ticket in ("TK-1", "TK-2", "TK-3"):
        story.tell({"save": ticket, "values": {"priority": "Critical"}})
    assert post.taken == []
    story.clock.advance(days=1)
    post.answers += ["sent"] * 8
    team = [replace(story.installation.worker) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda worker: worker.work(), team))
    assert [mail.subject for mail in post.taken] == ["Your digest: 3 notices"]


def test_a_mail_that_the_server_puts_off_is_tried_again(story: Story, post: Post) -> None:
    post.answers += ["retry", "sent"]
    story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    assert notices(story.installation.database) == [("bob", "email", "waiting", "it said retry")]
    story.clock.advance(minutes=29)
    story.tell({"tick": True})
    assert len(post.taken) == 1
    story.clock.advance(minutes=1)
    story.tell({"tick": True})
    assert notices(story.installation.database)[0][:3] == ("bob", "email", "sent")


def test_an_answer_that_was_lost_is_told_as_such(story: Story, post: Post) -> None:
    post.answers += ["unknown"]
    story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    story.clock.advance(days=2)
    story.tell({"tick": True})
    assert notices(story.installation.database) == [("bob", "email", "unknown", "it said unknown")]
    assert len(post.taken) == 1


def test_nothing_is_sent_while_mail_is_stopped(story: Story, post: Post) -> None:
    post.stopped = frozenset({"email"})
    post.answers += ["sent"]
    story.tell({"save": "TK-1", "values": {"priority": "Critical"}})
    assert post.taken == []
    post.stopped = frozenset()
    story.clock.advance(minutes=30)
    story.tell({"tick": True})
    assert len(post.taken) == 1
