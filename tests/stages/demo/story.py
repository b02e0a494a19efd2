"""Use cases as they are told: a workflow, what happens day by day, and all that comes of it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, select

from engine.company.company import Company
from engine.installation import Installation
from engine.outside.claude import Claude
from engine.outside.egress import Egress, parse_networks
from engine.outside.hooks import take_call, take_form
from engine.outside.receiving import receive
from engine.outside.world import World
from engine.records.attachments import attach
from engine.records.database import Database
from engine.records.signed_links import Links
from engine.records.tables import ALERTS, ENTRIES, EVENTS, RUNS, SCHEDULES, WORKFLOWS
from engine.records.transaction import Transaction
from engine.records.writer import Author, Records
from engine.review import decisions
from engine.runs.audience import audience
from engine.runs.enrol import Cause
from engine.runs.manual_start import start
from engine.schema.modules import Module
from engine.settings import Settings
from engine.starter import starter
from engine.starter.demo_records import COMPANY, add, samples
from engine.workflows.library import By, Library, examine, save_draft, submit
from tests.databases import TemplateDatabase
from tests.fakes import Clock, FakeClaude, FakeTwilio, text
from tests.post import bounce, complaint, letter
from tests.servers import Answer, WebServer, web_server

Told = dict[str, Any]
PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 10, 9, tzinfo=PARIS)
KINDS = {
    "mails": "emails",
    "texts": "sms",
    "tasks": "tasks",
    "notes": "notes",
    "notices": "notifications",
}
ASKED_FOR = ("said", "steps", "warned")


def load_reference(tx: Transaction) -> None:
    """Put the reference cases of the demo into an empty database, on their own dates."""
    for sample in samples(tx, None, more=False):
        add(tx, sample)


def fill(url: str) -> None:
    """The reference records of the demo in an empty database, and no workflow."""
    database = Database(url, lambda: NOW)
    database.prepare(COMPANY, [Module.model_validate(module) for module in starter("modules")])
    with database.begin() as tx:
        load_reference(tx)
    database.close()


def local(moment: str) -> datetime:
    """A moment as the company's clock shows it."""
    return datetime.fromisoformat(moment).replace(tzinfo=PARIS)


@contextmanager
def living(case: Told, template: TemplateDatabase, clock: Clock) -> Iterator["Story"]:
    """An installation with the demo's records, and the servers that the use case wants."""
    pair = template("reference", fill)
    links = Links("https://sayso.test", b"key of the tests")
    database = Database(pair.database_url, clock.now, links=links)
    clock.set(local(case["begins"]) if "begins" in case else NOW)
    with database.begin() as tx:
        company = {**COMPANY.model_dump(), **case.get("company", {})}
        database.save_company(tx, Company.model_validate(company))
    fake = FakeClaude([text(words) for words in case.get("model", ())])
    served = web_server(*map(_answer, case.get("answers", ())))
    twilio = FakeTwilio(case.get("sms", {}))
    with (
        served as receiver,
        fake.serve() as url,
        twilio.serve() as twilio_url,
        TemporaryDirectory() as folder,
    ):
        world = World(
            clock.now,
            Egress(allow_networks=parse_networks("127.0.0.0/8")),
            model=Claude("test", url, "claude-haiku-5-5", reads_files=True),
            key=b"key of the tests",
            find_secret=case.get("secrets", {}).__getitem__,
            files=Path(folder),
            sms=twilio.provider(twilio_url) if "sms" in case else None,
            erp_url=f"{receiver.url}/erp" if "erp" in case else "",
        )
        settings = Settings(database_url=pair.database_url, data_dir=Path(folder))
        installation = Installation(settings, database, world, Library())
        with closing(installation):
            yield Story(installation, clock, receiver, asked=fake.requests, twilio=twilio)


@dataclass
class Story:
    """An installation in which one workflow is approved, and what has been seen of it so far.

    `asked` is what the model was sent.
    """

    installation: Installation
    clock: Clock
    receiver: WebServer
    workflow: int = 0
    seen: dict[str, Any] = field(default_factory=dict)
    asked: list[Told] = field(default_factory=list)
    twilio: FakeTwilio = field(default_factory=FakeTwilio)
    last_words: str = ""
    refused: dict[str, str] = field(default_factory=dict)

    def approve(self, document: Told, baseline: decisions.Baseline | None = None) -> None:
        """Alice drafts and submits it, the admin approves."""
        with self.installation.database.begin() as tx:
            draft = save_draft(tx, document, By("alice"))
            unsafe = self.installation.unsafe
            version = submit(tx, draft.id, draft.revision, "", By("alice"), unsafe, None)
        with self.installation.database.begin() as tx:
            library, admin = self.installation.library, By("admin")
            decisions.approve(tx, library, version.id, version.hash, admin, "", baseline)
        self.workflow = draft.id
        self.news()

    def tell(self, part: Told) -> None:
        """Let one thing happen, and the workers do all that comes of it.

        `{"at": ...}` is a moment, `{"save": "INV-1", "values": ...}` a change of one record or
        several, `{"create": "tickets", "values": ...}` and `{"delete": ...}` what they say; `by`
        and `source` tell who does it. `{"tick": true}` lets the workers look again,
        `{"down_until": ...}` only after all were away; `{"restart": true}` puts a new process in
        the place of the old one. `{"attach": "scan.pdf", "to": "INV-1", "text": ...}` attaches a
        file, `link` names the field of the record that then leads to it. `{"run": ["INV-1"],
        "by": ...}` is a person who starts the workflow by hand; whom it does not start for is
        `refused`. A `save` with `force` raises its event even if it changes nothing.
        `{"workflow": ...}` is its state, and when it is due next, now.
        `{"mailbox": [...]}` is every mail there is by now, as far as it is told.
        `{"mail_in": {"sender": "Ana <ana@acme.test>", "subject": ..., "text": ..., "headers":
        ...}}` is a mail that comes in, `answers` the number of the mail it answers; `{"bounce":
        "EM-3", "of": "ana@acme.test"}` one that says that ours did not arrive (`complaint`: is
        spam).
        `{"call_in": "shop", "body": ..., "id": ...}` is a call of another system, `{"form_in":
        {"name": ...}}` what a visitor wrote in a public form.
        """
        match part:
            case {"at": moment}:
                self._live_until(local(moment))
            case {"down_until": moment}:
                self.clock.set(local(moment))
            case {"workflow": stands}:
                assert self._stands() == stands
            case {"restart": True}:
                self.installation = replace(self.installation, library=Library())
            case {"save": numbers, "values": values}:
                with self.installation.database.begin() as tx:
                    for number in [numbers] if isinstance(numbers, str) else numbers:
                        force = part.get("force", False)
                        _records(tx, part).update(*_key(tx, number), values, force=force)
            case {"create": module, "values": values}:
                with self.installation.database.begin() as tx:
                    _records(tx, part).create(module, values)
            case {"attach": name, "to": number, "text": words}:
                with self.installation.database.begin() as tx:
                    module, id = _key(tx, number)
                    folder, bytes = self.installation.settings.data_dir, BytesIO(words.encode())
                    about = (f"{module}/{id}", name, "", bytes)
                    made = attach(tx, Author("alice"), folder, *about)
                    if "link" in part:
                        _records(tx, part).update(module, id, {part["link"]: made.id})
            case {"mail_in": given}:
                self._receive(letter(**self._answering(given)))
            case {"bounce": number, "of": address, **more}:
                self._receive(bounce(self._message_id(number), address, **more))
            case {"complaint": number, "of": address}:
                self._receive(complaint(self._message_id(number), address))
            case {"call_in": hook, "body": body, **more}:
                with self.installation.database.begin() as tx:
                    take_call(tx, hook, body, **more)
            case {"form_in": given}:
                with self.installation.database.begin() as tx:
                    take_form(tx, given)
            case {"run": numbers}:
                self._start(numbers, part.get("by", "alice"))
            case {"mailbox": mails}:
                with self.installation.database.read() as tx:
                    kept = [
                        _shown(tx, "emails", row) for row in _rows(tx, tx.schema.tables["emails"])
                    ]
                assert fits(mails, kept) == mails
            case {"delete": number}:
                with self.installation.database.begin() as tx:
                    _records(tx, part).delete(*_key(tx, number))
        self.installation.worker.work()

    def _receive(self, raw: bytes) -> None:
        with self.installation.database.begin() as tx:
            receive(tx, self.installation.settings.data_dir, raw)

    def _message_id(self, number: str) -> str:
        with self.installation.database.read() as tx:
            module, id = _key(tx, number)
            table = tx.schema.tables[module]
            return str(tx.db.scalar(select(table.c.message_id).where(table.c.id == id)))

    def _answering(self, given: Told) -> Told:
        """What a mail is made of, with the header that says which one it answers."""
        kept = {name: value for name, value in given.items() if name != "answers"}
        if "answers" in given:
            thread = {"In-Reply-To": self._message_id(given["answers"])}
            kept["headers"] = {**kept.get("headers", {}), **thread}
        return kept

    def _stands(self) -> Told:
        with self.installation.database.read() as tx:
            mine = (WORKFLOWS.c.id == self.workflow, SCHEDULES.c.workflow == WORKFLOWS.c.id)
            query = select(WORKFLOWS.c.state, SCHEDULES.c.next_at).where(*mine)
            row = tx.db.execute(query).one()
        due = row.next_at and row.next_at.astimezone(PARIS)
        return {"state": row.state, "next_at": f"{due:%Y-%m-%dT%H:%M}" if due else None}

    def _start(self, numbers: list[str], by: str) -> None:
        with self.installation.database.begin() as tx:
            live = self.installation.library.live(tx)[self.workflow]
            keys = {_key(tx, number)[1]: number for number in numbers}
            started = start(tx, live, keys, Cause(by))
            self.refused |= {keys[id]: why for id, why in started.refused}

    def _live_until(self, moment: datetime) -> None:
        """Stop at each moment at which something is due, as a worker that never sleeps."""
        due = self.installation.worker.next_due()
        while due and self.clock.now() < due < moment:
            self.clock.set(due)
            self.installation.worker.work()
            due = self.installation.worker.next_due()
        self.clock.set(moment)

    def words(self, document: Told) -> list[str]:
        """The document in sentences."""
        with self.installation.database.read() as tx:
            checked = examine(tx, document, self.installation.unsafe)
            assert checked.problems == ()
            assert checked.parsed
            binder = tx.binder(tx.schema.module(checked.parsed.module))
            return checked.parsed.words(binder)

    def audience(self, at: datetime) -> list[str]:
        """The numbers of the records that are meant at a moment."""
        with self.installation.database.read() as tx:
            live = self.installation.library.live(tx)[self.workflow]
            return [str(row["number"]) for row in audience(tx, live.parsed, at).records]

    def suppressed(self) -> dict[str, str]:
        """Who of those meant now would not be reached, and why."""
        with self.installation.database.read() as tx:
            live = self.installation.library.live(tx)[self.workflow]
            found = audience(tx, live.parsed, self.clock.now())
            numbers = {row["id"]: row["number"] for row in found.records}
            return {numbers[row["id"]]: row["why"] for row in found.suppressed}

    # --- what came of it ---

    def news(self) -> Told:
        """All that has happened since this was last asked; a kind without news is left out."""
        with self.installation.database.read() as tx:
            found: Told = {kind: self._new(tx, kind) for kind in KINDS}
            found["records"] = self._changed(tx)
            found["created"] = self._created(tx)
            found["alerts"] = self._alerts(tx)
            found |= self._runs(tx)
            self.seen["events"] = tx.db.scalar(select(func.max(EVENTS.c.id))) or 0
        found["refused"], self.refused = self.refused, {}
        found["calls"] = [_call(request) for request in self.receiver.requests]
        self.receiver.requests.clear()
        return {kind: happened for kind, happened in found.items() if happened}

    def _new(self, tx: Transaction, kind: str) -> list[Told]:
        table = tx.schema.tables[KINDS[kind]]
        rows = _rows(tx, table, table.c.id > self.seen.get(kind, 0))
        self.seen[kind] = max([self.seen.get(kind, 0), *(row["id"] for row in rows)])
        # What came in from outside is part of the story, and not what came of it.
        told = [row for row in rows if (row.get("direction"), row["source"]) != ("in", "sync")]
        return [_shown(tx, KINDS[kind], row) for row in told]

    def _events(self, tx: Transaction, kind: str) -> list[Told]:
        since = EVENTS.c.id > self.seen.get("events", 0)
        return _rows(tx, EVENTS, since, EVENTS.c.kind == kind, EVENTS.c.workflow.is_not(None))

    def _changed(self, tx: Transaction) -> Told:
        changed: dict[str, Told] = {}
        for event in self._events(tx, "modified"):
            values = {name: new for name, (_, new) in event["changes"].items()}
            changed.setdefault(_number(tx, event["module"], event["record"]), {}).update(values)
        return changed

    def _created(self, tx: Transaction) -> list[Told]:
        """Records beside mails, tasks, notes and notices; the lines of one are shown with it."""
        rows = []
        for event in self._events(tx, "created"):
            module = tx.schema.module(event["module"])
            if module.name in KINDS.values() or module.lines_of:
                continue
            table = tx.schema.tables[module.name]
            (row,) = _rows(tx, table, table.c.id == event["record"])
            rows.append({**_shown(tx, module.name, row), "module": module.name})
        return rows

    def _alerts(self, tx: Transaction) -> list[str]:
        counts = {row["id"]: (row["kind"], row["count"]) for row in _rows(tx, ALERTS)}
        old = self.seen.get("alerts", {})
        self.seen["alerts"] = counts
        return sorted(kind for id, (kind, count) in counts.items() if old.get(id) != (kind, count))

    def _runs(self, tx: Transaction) -> Told:
        states = {row["id"]: row for row in _rows(tx, RUNS)}
        old = self.seen.get("runs", {})
        news = [row for id, row in states.items() if old.get(id) != row["state"]]
        self.seen["runs"] = {id: row["state"] for id, row in states.items()}
        steps = {_number(tx, row["module"], row["record"]): _steps(tx, row) for row in news}
        ended = {_number(tx, row["module"], row["record"]): row["reason"] for row in news}
        said = {
            number: reason if not reason.startswith("finished") else _said(steps[number][-1])
            for number, reason in ended.items()
        }
        counts = dict(Counter(row["state"] for row in news))
        warned = {_number(tx, row["module"], row["record"]): _warned(tx, row) for row in news}
        return {"runs": counts, "said": said, "steps": steps, "warned": warned}


def fits(expected: Any, found: Any) -> Any:
    """What was found, without what was not asked about: to be compared with what was expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: fits(expected[key], found[key]) for key in expected if key in found}
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(expected, found, strict=False)
        return [*(fits(one, other) for one, other in pairs), *found[len(expected) :]]
    return found


def compared(expected: Told, news: Told) -> Told:
    """The news as far as they were expected in detail; a kind nobody spoke of stays whole."""
    kept = {kind: part for kind, part in news.items() if kind not in ASKED_FOR or kind in expected}
    whole = ("records", "runs", "alerts")
    return {
        kind: part if kind in whole else fits(expected.get(kind), part)
        for kind, part in kept.items()
    }


def _records(tx: Transaction, part: Mapping[str, Any]) -> Records:
    source = part.get("source", "user")
    return Records(tx, Author(part.get("by", "alice"), source), starts=source != "import")


def _key(tx: Transaction, number: str) -> tuple[str, int]:
    """The module and the id of a record, by its number."""
    for module in tx.schema:
        pattern = re.escape(module.numbering).replace(r"\{n\}", r"\d+")
        if re.fullmatch(pattern, number) and (id := tx.find(module, number)):
            return module.name, id
    raise LookupError(number)


def _number(tx: Transaction, module: str, id: int) -> str:
    table = tx.schema.tables[module]
    return str(tx.db.scalar(select(table.c.number).where(table.c.id == id)))


def _rows(tx: Transaction, table: Table, *where: Any) -> list[Told]:
    key = table.c.id if "id" in table.c else table.c.position
    query = select(table).where(*where).order_by(key)
    return [dict(row) for row in tx.db.execute(query).mappings()]


def _said(step: str) -> str:
    return step.partition(": ")[2]


def _steps(tx: Transaction, run: Told) -> list[str]:
    rows = _rows(tx, ENTRIES, ENTRIES.c.run == run["id"])
    return [f"{row['outcome']}: {row['said']}" for row in rows]


def _warned(tx: Transaction, run: Told) -> str:
    """What the steps of a run warn of."""
    rows = _rows(tx, ENTRIES, ENTRIES.c.run == run["id"])
    return "; ".join(row["warned"] for row in rows if row["warned"])


def _shown(tx: Transaction, module: str, row: Told) -> Told:
    """A record as the use cases write it: values as JSON, other records by name or number."""
    home = tx.schema.module(module)
    told = {
        name: home.field(name).dump(value) for name, value in row.items() if name in home.by_name
    }
    for name, value in told.items():
        kind = home.field(name).type
        if value and kind == "record":
            target, _, id = str(value).partition("/")
            told[name] = _number(tx, target, int(id))
        elif value and kind == "reference":
            there = tx.schema.module(home.field(name).module or "")
            table = tx.schema.tables[there.name]
            told[name] = tx.db.scalar(select(table.c[there.name_field]).where(table.c.id == value))
    if lines := tx.schema.lines(home):
        child, link = lines
        table = tx.schema.tables[child.name]
        rows = _rows(tx, table, table.c[link.name] == row["id"])
        told["lines"] = [_shown(tx, child.name, line) for line in rows]
    return told


def _call(request: Any) -> Told:
    names = {"id": "webhook-id", "authorization": "authorization"}
    names |= {"key": "idempotency-key", "api_key": "x-api-key"}
    headers = {name: request.headers.get(header) for name, header in names.items()}
    body = request.json() if request.body else None
    return {"method": request.method, "path": request.path, "body": body, **headers}


def _answer(told: int | Told) -> int | Answer:
    """A status, or {"status": 422, "body": {...}}."""
    if isinstance(told, int):
        return told
    json_body = json.dumps(told["body"]).encode()
    return Answer(told["status"], json_body, {"Content-Type": "application/json"})


def play(story: Story, case: Told, name: str) -> None:
    """Approve what the case is about, let its story happen, and compare what comes of it."""
    documents = case.get("documents", [case["document"]] if "document" in case else [])
    for document in documents:
        story.approve(reachable(document, story.receiver.url), case.get("baseline"))
    meant = {at: story.audience(local(at)) for at in case.get("audience", ())}
    assert meant == case.get("audience", {})
    if "suppressed" in case:
        assert story.suppressed() == case["suppressed"]
    if "words" in case:
        assert story.words(case["document"]) == case["words"]
    for number, part in enumerate(case["story"]):
        if "expect" not in part:
            story.tell(part)
            continue
        news = named(story.news(), story.receiver.url)
        after = f"{name}, part {number}: {case['story'][max(number - 1, 0)]}"
        assert compared(part["expect"], news) == part["expect"], after


def reachable(document: Any, url: str) -> Any:
    """The document with the receiver of the tests in the place of the one it names."""
    if isinstance(document, dict):
        return {key: reachable(part, url) for key, part in document.items()}
    if isinstance(document, list):
        return [reachable(part, url) for part in document]
    return document.replace("https://acc.test", url) if isinstance(document, str) else document


def named(news: Any, url: str) -> Any:
    """The news with the address that the use case names."""
    if isinstance(news, dict):
        return {key: named(part, url) for key, part in news.items()}
    return news.replace(url, "https://acc.test") if isinstance(news, str) else news


def scenarios(folder: Path, pattern: str) -> Iterator[tuple[str, Told]]:
    """Each use case, or row, by the name of its file."""
    for file in sorted(folder.glob(pattern)):
        yield file.stem, json.loads(file.read_text(encoding="utf-8"))
