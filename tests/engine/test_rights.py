"""What a workflow may do is told right by right, from the same document that runs."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.blocks.rights import Right
from engine.company.company import Company, Sender
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.templates.wording import Wording
from engine.workflows.reading import read
from engine.workflows.rights import fresh, hosts, rights, risks, to_be_seen
from engine.workflows.surroundings import Started, Surroundings
from engine.workflows.workflow import Workflow

SCHEMA = Schema([Module.model_validate(module) for module in starter("modules")])
AROUND = Surroundings(SCHEMA)
MAIL = {"type": "send_email", "to": ["owner"], "subject": "Hello", "body": "Text"}
CALL = {"type": "webhook", "url": "https://a.test/in", "body": "{}"}
WRITTEN_OUT, COMPUTED = "An address written out", "An address that is computed"
EVERYTHING, SENSITIVE = "Everything of a record leaves", "Sensitive data leaves"


def document(*steps: dict[str, Any], module: str = "leads") -> dict[str, Any]:
    named = [{"id": f"step_{place}", **step} for place, step in enumerate(steps)]
    return {"name": "W", "module": module, "trigger": {"type": "manual"}, "steps": named}


def workflow(*steps: dict[str, Any], module: str = "leads") -> Workflow:
    return Workflow.model_validate(document(*steps, module=module))


def told(found: Iterable[Right], *kinds: str) -> list[tuple[str, str, str]]:
    return [(right.kind, right.detail, right.risk) for right in found if right.kind in kinds]


def mails(word: str, **more: Any) -> list[tuple[str, str]]:
    """Whom a mail to this word may go to, each with the risk in it."""
    found = rights(workflow({**MAIL, "to": [word], **more}), AROUND)
    return [(detail, risk) for _, detail, risk in told(found, "mail")]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (
            "{{ record.account.email|default('boss@x.test') }}",
            [("account.email", ""), ("boss@x.test", WRITTEN_OUT)],
        ),
        (
            "{{ record.email|coalesce(record.contact.email, 'boss@x.test') }}",
            [("email", ""), ("contact.email", ""), ("boss@x.test", WRITTEN_OUT)],
        ),
        (
            "{% if record.score > 5 %}boss@x.test{% elif record.score %}owner"
            "{% else %}{{ record.email }}{% endif %}",
            [("boss@x.test", WRITTEN_OUT), ("owner.email", ""), ("email", "")],
        ),
        (
            "{{ 'boss@x.test' if record.score else record.owner }}",
            [("boss@x.test", WRITTEN_OUT), ("owner", "")],
        ),
        ("{{ record.email or actor.email }}", [("email", ""), ("actor.email", "")]),
        ("{{ ['a@x.test', record.email] }}", [("a@x.test", WRITTEN_OUT), ("email", "")]),
        ("boss@x.test", [("boss@x.test", WRITTEN_OUT)]),
        ("account", [("account.email", "")]),
        ("contacts:CFO", [("contacts:CFO.email", "")]),
        ("group:HR", [("group:HR", "")]),
        ("alice", [("alice", "")]),
    ],
)
def test_T1_each_address_that_a_word_can_come_to_is_a_right_of_its_own(
    word: str, expected: list[tuple[str, str]]
) -> None:
    assert mails(word) == expected
    assert mails("owner", cc=[word]) == list(dict.fromkeys([("owner.email", ""), *expected]))


@pytest.mark.parametrize(
    "word",
    [
        "{{ record.email|replace_text('@','@evil.') }}",
        "{{ record.name }}@x.test",
        "x{{ record.email }}",
        "{{ record.email ~ '.evil' }}",
        "{{ record.email|lower }}",
        "{{ (record.account|default(record.contact)).email }}",
        "{% for one in record.lines %}{{ one.description }}{% endfor %}",
        "{{ record.description }}",
        "{{ steps.ai.email }}",
        "{{ record }}",
    ],
)
def test_T1_an_address_that_is_computed_is_told_as_such(word: str) -> None:
    assert mails(word) == [(word, COMPUTED)]


@pytest.mark.parametrize("key", ["bcc", "reply_to", "headers", "sender"])
def test_T1_nobody_gets_a_mail_by_a_setting_that_is_no_recipient(key: str) -> None:
    parsed, problems = read(document({**MAIL, key: "boss@x.test"}))
    assert parsed is None
    assert [problem.path for problem in problems] == [f"steps.0.{key}"]


def test_T1_a_number_written_out_or_computed_is_told_too() -> None:
    words = ["{{ record.phone|default('+33612345678') }}", "{{ record.phone ~ '1' }}"]
    text = {"type": "send_sms", "to": words, "body": "Hello"}
    assert told(rights(workflow(text), AROUND), "text") == [
        ("text", "phone", ""),
        ("text", "+33612345678", WRITTEN_OUT),
        ("text", words[1], COMPUTED),
    ]


def test_the_address_behind_a_senders_name_is_part_of_the_right() -> None:
    mail = workflow({**MAIL, "from": "Billing"})

    def behind(**sender: str) -> list[tuple[str, str, str]]:
        known = (Sender(name="Billing", address="b@x.test", **sender),)
        return told(rights(mail, Surroundings(SCHEMA, Company(senders=known))), "send as")

    assert behind() == [("send as", "b@x.test", "")]
    assert behind(reply_to="c@x.test") == [("send as", "b@x.test c@x.test", "")]


# --- what leaves ---


def leaves(*steps: dict[str, Any], module: str = "leads") -> list[tuple[str, str]]:
    found = rights(workflow(*steps, module=module), AROUND)
    return [(detail, risk) for _, detail, risk in told(found, "disclose")]


def test_a_field_that_is_personal_or_sensitive_is_told_with_where_it_stands() -> None:
    mail = {**MAIL, "subject": "{{ record.name }} {{ record.phone }}", "body": "{{ record.score }}"}
    assert leaves(mail) == [("leads.phone in subject", "")]
    assert leaves({**MAIL, "body": "{{ contact.birthday }}"}) == [("contacts.birthday in body", "")]
    told = {"type": "notify", "to": ["owner"], "text": "{{ record.hired_on }}"}
    assert leaves(told, module="employees") == [("employees.hired_on in text", SENSITIVE)]


def test_what_a_template_of_the_library_tells_counts_as_well() -> None:
    mail = workflow({"type": "send_email", "to": ["owner"], "template": "polite"})
    worded = mail.with_texts({"polite": (Wording(body="{{ record.phone }}"),)})
    assert told(rights(worded, AROUND), "disclose") == [
        ("disclose", "leads.phone in template “polite”", "")
    ]


@pytest.mark.parametrize(
    "step",
    [
        {"type": "webhook", "url": "https://a.test/in"},
        {**CALL, "body": "{{ record|json }}"},
        {**CALL, "body": '{"all": {{ records|json }}}'},
        {"type": "fill_fields", "prompt": "Read it.", "fields": {"score": "How good"}},
    ],
)
def test_a_payload_with_everything_is_told(step: dict[str, Any]) -> None:
    assert EVERYTHING in [risk for _, risk in leaves(step)]


def test_a_payload_of_named_fields_tells_those_alone() -> None:
    few = {"type": "webhook", "url": "https://a.test/in", "fields": ["name", "email"]}
    assert leaves(few) == [("leads.email in fields", "")]
    assert leaves({**CALL, "body": '{"n": {{ record.number|json }}}'}) == []
    asked = {"type": "fill_fields", "prompt": "?", "fields": {"score": "?"}, "inputs": ["phone"]}
    assert leaves(asked) == [("leads.phone in inputs", "")]


# --- what is called, written, started ---


def test_a_host_and_the_secret_that_proves_who_calls_are_two_rights() -> None:
    call = {**CALL, "auth": {"type": "bearer", "secret": "books"}}
    assert told(rights(workflow(call), AROUND), "call", "use") == [
        ("call", "a.test", "New outside address"),
        ("use", "books at a.test", "Uses a stored secret"),
    ]


def test_another_module_that_is_written_is_grave_and_its_own_is_not() -> None:
    own = {"type": "update_fields", "values": {"score": 5}}
    other = {"type": "update_fields", "record": "account", "values": {"credit_limit": 5}}
    note = {"type": "add_note", "text": "Seen"}
    assert told(rights(workflow(own, other, note), AROUND), "write") == [
        ("write", "leads.score", ""),
        ("write", "accounts.credit_limit", "Changes another module"),
        ("write", "notes.*", ""),
    ]


def chained(**others: Workflow) -> Surroundings:
    known = [Started(id, name, parsed) for id, (name, parsed) in enumerate(others.items(), 1)]
    return Surroundings(
        SCHEMA, started=lambda named: [each for each in known if named in (each.id, each.name)]
    )


def starting(name: int | str, *more: dict[str, Any]) -> Workflow:
    return workflow({"type": "run_workflow", "workflow": name}, *more)


def test_T4_what_a_started_workflow_may_do_is_told_through_all_that_it_starts() -> None:
    around = chained(second=starting(2, CALL), third=starting("second", {**MAIL, "to": ["a@b.c"]}))
    found = rights(starting("second"), around)
    assert [(right.kind, right.detail, right.through) for right in found if right.risk] == [
        ("start", "second", ""),
        ("start", "2", "second"),
        ("call", "a.test", "second"),
        ("start", "second", "third"),
        ("mail", "a@b.c", "third"),
    ]
    assert risks(found, ()) == ["Starts another workflow", "New outside address", WRITTEN_OUT]
    assert hosts(found) == ["a.test"]


def test_what_is_new_is_told_against_what_there_was() -> None:
    before = rights(workflow(MAIL), AROUND)
    now = rights(workflow({**MAIL, "cc": ["boss@x.test"]}, CALL), AROUND)
    assert told(fresh(now, before), "mail", "call") == [
        ("mail", "boss@x.test", WRITTEN_OUT),
        ("call", "a.test", "New outside address"),
    ]
    assert to_be_seen(now, now) == []


# --- a random change of what it may do changes its rights ---

WORDS = ("owner", "account", "contact", "email", "a@x.test", "b@x.test", "contacts", "alice")
FIELDS = ("score", "status", "company", "name", "phone")
POOLS: dict[str, tuple[Any, ...]] = {
    "to": tuple([word] for word in WORDS),
    "url": tuple(f"https://{name}.test/in" for name in "abcd"),
    "secret": ("books", "crm", "erp"),
    "values": tuple({name: "x"} for name in FIELDS),
    "workflow": ("One", "Two", 3),
    "function": ("score", "rate"),
    "module": ("tickets", "accounts", "tasks"),
    "subject": ("Hello", "{{ record.email }}", "{{ record.phone }}", "{{ record }}"),
}


def step(setting: str, value: Any) -> dict[str, Any]:
    match setting:
        case "to" | "subject":
            return {**MAIL, setting: value}
        case "url":
            return {**CALL, "url": value}
        case "secret":
            return {**CALL, "auth": {"type": "bearer", "secret": value}}
        case "values":
            return {"type": "update_fields", "values": value}
        case "workflow":
            return {"type": "run_workflow", "workflow": value}
        case "function":
            return {"type": "call_function", "function": value}
    return {"type": "create_record", "module": value, "values": {}}


@given(st.data())
def test_a_change_of_whom_it_writes_to_calls_or_starts_or_of_what_it_writes_changes_its_rights(
    data: st.DataObject,
) -> None:
    setting = data.draw(st.sampled_from(sorted(POOLS)))
    one, other = data.draw(st.permutations(POOLS[setting]))[:2]
    beside = [{"type": "add_note", "text": "Seen"}] * data.draw(st.integers(0, 2))
    branch = data.draw(st.sampled_from(["", "then", "else"]))

    def with_value(value: Any) -> Workflow:
        inner = {"id": "changed", **step(setting, value)}
        asked = {"field": "score", "op": "greater_than", "value": 1}
        held = {"type": "if", "conditions": asked, branch: [inner]} if branch else inner
        return workflow(held, *beside)

    first, second = (rights(with_value(value), AROUND) for value in (one, other))
    assert {right.key for right in first} != {right.key for right in second}
