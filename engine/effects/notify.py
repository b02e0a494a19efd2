"""The effect of telling users something inside Sayso."""

from typing import Literal

from engine.effects import Outcome, RecordEffect, Store


class Notify(RecordEffect):
    """A notice in the bell of each user named."""

    kind: Literal["notify"] = "notify"
    users: tuple[str, ...]
    text: str
    record: str

    def say(self) -> str:
        return f"tell {', '.join(self.users)}: “{self.text}”"

    def apply(self, store: Store) -> Outcome:
        for user in self.users:
            store.create(
                "notifications",
                {"user": user, "text": self.text, "record": self.record, "channel": "bell"},
            )
        return Outcome("done", f"told {', '.join(self.users)}", {"users": list(self.users)})

    def preview(self) -> Outcome:
        return Outcome("done", f"would {self.say()}", {"users": list(self.users)})
