"""What Sayso logs, and how: as text for people, or as one JSON object a line for machines."""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import unquote, urlsplit

from engine.settings import Settings

ABOUT = ("run", "workflow", "record")
HIDDEN = "***"
TOKEN = re.compile(r"\batp_[A-Za-z0-9_-]+")
SHORTEST_SECRET = 6  # shorter ones would blot out words


def set_up(settings: Settings, stream: TextIO = sys.stderr) -> None:
    """Log to the stream from now on, in place of what was set up before."""
    handler = logging.StreamHandler(stream)
    known = secrets(settings)
    handler.setFormatter(AsJson(known) if settings.log == "json" else AsText(known))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("sayso").setLevel(logging.DEBUG if settings.debug else logging.INFO)


def secrets(settings: Settings) -> frozenset[str]:
    """All that must not stand in a log: keys, stored secrets, and the passwords of addresses."""
    urls = (settings.database, settings.queue, settings.smtp_url, settings.imap_url)
    passwords = [urlsplit(url).password or "" for url in (*urls, settings.sms_url)]
    stored = [value for name, value in os.environ.items() if name.startswith("SAYSO_SECRET_")]
    keys = [settings.key().decode("utf-8", "replace"), settings.anthropic_api_key]
    known = {*passwords, *map(unquote, passwords), *stored, *keys}
    return frozenset(value for value in known if len(value) >= SHORTEST_SECRET)


class AsText(logging.Formatter):
    """Time, how bad it is, who says it, what, and the traceback below."""

    def __init__(self, known: frozenset[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._known = sorted(known, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        return self._hidden(super().format(record))

    def _hidden(self, text: str) -> str:
        for value in self._known:
            text = text.replace(value, HIDDEN)
        return TOKEN.sub(HIDDEN, text)


class AsJson(AsText):
    """One object a line, with the run, the workflow and the record it is about where known."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._hidden(record.getMessage()),
            **{name: getattr(record, name) for name in ABOUT if hasattr(record, name)},
        }
        if record.exc_info:
            told["error"] = self._hidden(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False)
