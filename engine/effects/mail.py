"""The effect of sending a mail: at most once, unless the workflow asks for at least once."""

from dataclasses import replace
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from engine.effects import Outcome, OutwardEffect
from engine.effects.records import CreateRecord
from engine.smtp import Delivery, Mail, MailRefused, message_id

if TYPE_CHECKING:
    from engine.world import World

PAUSE, TRIES = timedelta(minutes=30), 4


class SendMail(OutwardEffect):
    """One message to all its recipients. `about` ties its copy in the mailbox to a record."""

    kind: Literal["mail"] = "mail"
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    sender: str
    sender_name: str
    subject: str
    text: str
    html: str = ""
    about: str = ""
    account: int | None = None
    run: int | None = None
    step: str = ""
    workflow: str = ""
    owner: str | None = None
    twice_rather_than_never: bool = False
    left_out: tuple[str, ...] = ()

    def say(self) -> str:
        return f"send “{self.subject}” to {', '.join([*self.to, *self.cc])}"

    def perform(self, world: "World", key: str, tries: int) -> Outcome:
        id = message_id(key, self.sender.rpartition("@")[2])
        if not world.smtp_url:
            return self._ended("captured", "done", f"kept in the mailbox: {self._told()}", id)
        mail = Mail(
            sender=self.sender,
            sender_name=self.sender_name,
            to=self.to,
            cc=self.cc,
            subject=self.subject,
            text=self.text,
            html=self.html or paragraphs(self.text),
            message_id=id,
            date=world.now(),
        )
        try:
            return self._judged(world, world.deliver(mail), tries, id)
        except MailRefused as refused:
            return self._failed(f"the mail was not sent: {refused}", id)

    def preview(self) -> Outcome:
        return Outcome("done", f"would {self.say()}", {"to": list(self.to), "message_id": ""})

    def lost(self) -> Outcome:
        if self.twice_rather_than_never:
            return super().lost()
        reached = f"whether “{self.subject}” reached {', '.join(self.to)}"
        said = f"{reached} is not known: the process stopped while sending"
        return self._ended("unknown", "unknown", said, "")

    def _judged(self, world: "World", delivery: Delivery, tries: int, id: str) -> Outcome:
        match delivery.state:
            case "sent":
                lost = "; ".join(
                    f"{address} was refused: {why}" for address, why in delivery.refused
                )
                return self._ended(
                    "sent", "done", f"sent {self._told()}" + (f" ({lost})" if lost else ""), id
                )
            case "retry" if tries < TRIES:
                again = world.now() + PAUSE
                return Outcome(
                    "retry", f"try {tries} of {TRIES}: {delivery.detail}", again_at=again
                )
            case "unknown" if self.twice_rather_than_never:
                return Outcome("retry", delivery.detail, again_at=world.now() + PAUSE)
            case "unknown":
                return self._ended("unknown", "unknown", delivery.detail, id)
        return self._failed(f"the mail could not be sent: {delivery.detail}", id)

    def _told(self) -> str:
        left = f"; left out {'; '.join(self.left_out)}" if self.left_out else ""
        return f"“{self.subject}” to {', '.join([*self.to, *self.cc])}{left}"

    def _failed(self, said: str, id: str) -> Outcome:
        ended = self._ended("failed", "failed", said, id)
        return replace(
            ended, then=(*ended.then, *follow_up(self.workflow, said, self.about, self.owner))
        )

    def _ended(
        self, status: str, result: Literal["done", "failed", "unknown"], said: str, id: str
    ) -> Outcome:
        values: dict[str, JsonValue] = {
            "direction": "out",
            "sender": self.sender,
            "to": ", ".join(self.to),
            "cc": ", ".join(self.cc),
            "subject": self.subject,
            "body": self.text,
            "html": self.html or paragraphs(self.text),
            "status": status,
            "message_id": id,
            "account": self.account,
            "record": self.about or None,
            "run": self.run,
            "step": self.step,
            "owner": self.owner,
            "error": "" if result == "done" else said,
        }
        copy = CreateRecord(module="emails", title=f"the mail “{self.subject}”", values=values)
        gives: dict[str, JsonValue] = {
            "to": list(self.to),
            "subject": self.subject,
            "message_id": id,
        }
        return Outcome(result, said, gives, then=(copy,))


def follow_up(workflow: str, cause: str, about: str, owner: str | None) -> tuple[CreateRecord, ...]:
    """What a mail that cannot be sent leaves: a task for the owner, a pinned note on the record."""
    title = f"E-mail in the workflow “{workflow}” could not be sent"
    shared: dict[str, JsonValue] = {"record": about or None, "owner": owner}
    task = {**shared, "title": title, "description": cause, "priority": "High"}
    note = {**shared, "text": f"{title}: {cause}", "pinned": True}
    return (
        CreateRecord(module="tasks", title=f"the task “{title}”", values=task),
        CreateRecord(module="notes", title="a pinned note", values=note),
    )


def paragraphs(text: str) -> str:
    """Plain text as simple HTML: nothing in it is a tag."""
    blocks = [escape(block).replace("\n", "<br>") for block in text.split("\n\n")]
    return "".join(f"<p>{block}</p>" for block in blocks)
