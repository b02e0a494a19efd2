"""All that people read of a document, and the parts that documents of such tests are made of."""

from datetime import UTC, datetime
from typing import Any

from engine.conditions import Binder
from engine.schema.modules import Module, Schema
from engine.starter import starter
from engine.starter.demo_records import COMPANY
from engine.workflows.workflow import Workflow

SCHEMA = Schema(Module.model_validate(each) for each in starter("modules"))
NOW = datetime(2026, 3, 10, 8, tzinfo=UTC)
NOTE = {"id": "note", "type": "add_note", "text": "Seen"}
MAIL = {"id": "mail", "type": "send_email", "to": ["account"], "subject": "Hi", "body": "Pay."}
CALL = {"id": "call", "type": "webhook", "url": "https://shop.example.com/hook"}
BASIC = {"type": "basic", "secret": "shop", "user": "sayso"}
STOP = {"id": "stop", "type": "stop"}
PLAIN = {"field": "status", "op": "equals", "value": "Sent"}
PAID = {"field": "status", "op": "equals", "value": "Paid"}
ASKED = {"field": "balance", "op": "greater_than", "value": 5}
DOCUMENT = {"name": "A", "module": "invoices", "trigger": {"type": "manual"}, "steps": [NOTE]}


def told(document: dict[str, Any]) -> str:
    """All that people read of a document."""
    workflow = Workflow.model_validate(document)
    binder = Binder(SCHEMA, SCHEMA.module(workflow.module), NOW, COMPANY.calendar)
    full = [
        f"{text.name}: {text}"
        for sentence in workflow.told(binder)
        for text in workflow.in_full(sentence.step, binder)
    ]
    return "\n".join([*workflow.words(binder), *full])
