"""The effect of sending a mail: at most once, unless the workflow asks for at least once."""

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import JsonValue

from engine.company.company import PLACEHOLDER
from engine.company.message_limits import Channel
from engine.effects import Outcome, OutwardEffect
from engine.effects.follow_up import follow_up
from engine.effects.records import CreateRecord
from engine.outside.smtp import (
    MOST_ATTACHED,
    Delivery,
    Mail,
    MailRefused,
    message_id,
    paragraphs,
    unfit,
)
from engine.outside.world import World
from engine.records.states import Result
from engine.schema.own_modules import EMAILS
from engine.schema.stored_files import Attachment

NO_SENDER = "no sender is set, so mail stays here until an admin sets one on the page System"
# What servers say of an address that does not exist (RFC 3463), whatever else may be wrong.
NO_SUCH_ADDRESS = re.compile(r"\b5\.1\.\d{1,3}\b")

SUPPOSED = "(its Message-ID)"  # of a mail that only would be sent


class SendMail(OutwardEffect):
    """One message to all its recipients. `about` ties its copy in the mailbox to a record.

    `customers` are those recipients that are not our users; `unsubscribe` is where they end this.
    `connection` names the secret that holds the sender's own mail server.
    """

    channel: ClassVar[Channel] = "email"
    scope: ClassVar[str] = "email"

    counted: ClassVar[str] = "mail"
    kind: Literal["mail"] = "mail"
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    sender: str
    sender_name: str
    reply_to: str = ""
    in_reply_to: str = ""
    connection: str = ""
    subject: str
    text: str
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    about: str = ""
    account: int | None = None
    contact: int | None = None
    run: int | None = None
    step: str = ""
    workflow: str = ""
    owner: str | None = None
    twice_rather_than_never: bool = False
    customers: tuple[str, ...] = ()
    unsubscribe: str = ""

    @property
    def reaches(self) -> tuple[str, ...]:
        return (*self.to, *self.cc)

    @property
    def strangers(self) -> tuple[str, ...]:
        return self.customers

    def say(self) -> str:
        names = ", ".join(each.name for each in self.attachments)
        carrying = f" with {names}" if names else ""
        return f"send “{self.subject}” to {', '.join([*self.to, *self.cc])}{carrying}"

    def perform(self, world: World, key: str, tries: int) -> Outcome:
        id = self._message_id(world, key)
        try:
            mail = self._mail(world, id)
        except MailRefused as refused:
            return self._failed(f"the mail was not sent: {refused}", id)
        if world.smtp_url or self.connection:
            return self._judged(world.deliver(mail, self.connection), tries, id, mail.date)
        if unsent := unfit(mail):
            return self._judged(unsent, tries, id, mail.date)
        said = f"kept in the mailbox: {self._told()}"
        return self._ended("captured", Result.DONE, said, id, mail.date)

    def barred(self, world: World) -> Outcome | None:
        id = self._message_id(world, self.step)
        try:
            mail = self._mail(world, id)
        except MailRefused as refused:
            return self._failed(f"the mail was not sent: {refused}", id)
        unsent = unfit(mail)
        return self._judged(unsent, 1, id, mail.date) if unsent else None

    def _message_id(self, world: World, key: str) -> str:
        return message_id(key, self.sender.rpartition("@")[2], world.key)

    def _mail(self, world: World, id: str) -> Mail:
        """As it is handed over, its files read now. Raises `MailRefused`."""
        return Mail(
            sender=self.sender,
            sender_name=self.sender_name,
            to=self.to,
            cc=self.cc,
            subject=self.subject,
            text=self.text,
            html=self.html or paragraphs(self.text),
            reply_to=self.reply_to,
            in_reply_to=self.in_reply_to,
            attachments=tuple(self._files(world)),
            message_id=id,
            unsubscribe=self.unsubscribe if self.unsubscribe.startswith("https://") else "",
            date=world.now(),
        )

    def _files(self, world: World) -> Iterator[tuple[str, bytes]]:
        size = 0
        for each in self.attachments:
            try:
                data = world.file(each.digest)
            except FileNotFoundError:
                gone = f"{each.name} is not in the data folder"
                raise MailRefused(f"{gone}. Attach it again, then try again.") from None
            size += len(data)
            if size > MOST_ATTACHED:
                most = MOST_ATTACHED // 1_000_000
                raise MailRefused(f"what it carries is over {most} MB; send a link to it instead.")
            yield each.name, data

    def lacks(self, world: World) -> str | None:
        if world.smtp_url and self.sender == PLACEHOLDER and not self.connection:
            return NO_SENDER
        return None

    def preview(self) -> Outcome:
        return self._ended("sent", Result.DONE, f"would {self.say()}", SUPPOSED)

    def lost(self) -> Outcome:
        if self.twice_rather_than_never:
            return super().lost()
        reached = f"whether “{self.subject}” reached {', '.join(self.to)}"
        said = f"{reached} is not known: the process stopped while sending"
        return self._ended("unknown", Result.UNKNOWN, said, "")

    def given_up(self, said: str) -> Outcome:
        return self._failed(f"the mail could not be sent: {said}", "")

    def _judged(self, delivery: Delivery, tries: int, id: str, at: datetime) -> Outcome:
        gone = tuple(each for each in delivery.refused if NO_SUCH_ADDRESS.search(each[1]))
        match delivery.state:
            case "sent":
                lost = "; ".join(
                    f"{address} was refused: {why}" for address, why in delivery.refused
                )
                said = f"sent {self._told()}" + (f" ({lost})" if lost else "")
                return self._came_back(self._ended("sent", Result.DONE, said, id, at), gone, "sent")
            case "retry":
                return Outcome(
                    Result.RETRY, f"try {tries}: {delivery.detail}", cause="retry", anew=True
                )
            case "unknown" if self.twice_rather_than_never:
                return Outcome(Result.RETRY, delivery.detail, cause="retry")
            case "unknown":
                return self._ended("unknown", Result.UNKNOWN, delivery.detail, id)
        failed = self._failed(f"the mail could not be sent: {delivery.detail}", id)
        wrong = replace(failed, cause="address" if delivery.refused else "")
        return self._came_back(wrong, gone, "bounced")

    def _came_back(
        self, outcome: Outcome, gone: tuple[tuple[str, str], ...], status: str
    ) -> Outcome:
        """The same, its copy telling which addresses do not exist."""
        if not gone:
            return outcome
        copy, *rest = outcome.then
        assert isinstance(copy, CreateRecord)
        told = {"status": status, "bounced": ", ".join(address for address, _ in gone)}
        marked = copy.model_copy(update={"values": {**copy.values, **told}})
        return replace(outcome, then=(marked, *rest), bounced=gone)

    def _told(self) -> str:
        names = ", ".join(each.name for each in self.attachments)
        carrying = f" with {names}" if names else ""
        return f"“{self.subject}” to {', '.join([*self.to, *self.cc])}{carrying}"

    def _failed(self, said: str, id: str) -> Outcome:
        ended = self._ended("failed", Result.FAILED, said, id)
        after = follow_up(self.workflow, self.step, said, self.about, self.owner)
        return replace(ended, then=(*ended.then, *after))

    def _ended(
        self,
        status: str,
        result: Result,
        said: str,
        id: str,
        at: datetime | None = None,
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
            "error": "" if result == Result.DONE else said,
        }
        if self.sender_name:
            values["sender_name"] = self.sender_name
        if self.in_reply_to:
            values["in_reply_to"] = self.in_reply_to
        if at:
            values["sent_at"] = at.isoformat()
        if self.contact is not None:
            values["contact"] = self.contact
        if self.attachments:
            values["attachments"] = [asdict(each) for each in self.attachments]
        copy = CreateRecord(module=EMAILS, title=f"the mail “{self.subject}”", values=values)
        gives: dict[str, JsonValue] = {
            "to": list(self.to),
            "subject": self.subject,
            "message_id": id,
        }
        return Outcome(result, said, gives, then=(copy,))
