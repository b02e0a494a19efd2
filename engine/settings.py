"""What the environment says: where the database, the queue and the mail server are."""

import hashlib
import hmac
import os
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_MODEL = "claude-haiku-5-5"


class Settings(BaseSettings):
    """Read from the environment, or from a file `.env` in the working folder."""

    model_config = SettingsConfigDict(
        env_prefix="SAYSO_", env_file=".env", extra="ignore", frozen=True
    )

    database_url: str = Field("", description="The database; SQLite in the data folder if not set.")
    queue_url: str = Field(
        "", description="redis://... for several machines; a file in the data folder if not set."
    )
    smtp_url: str = Field(
        "",
        description="smtp://user:password@host:port; without it, mail is kept in the mailbox page.",
    )
    imap_url: str = Field(
        "",
        description="imaps://user:password@host/INBOX, which is only read; without it, mail is "
        "received at the address that `sayso door mail` prints.",
    )
    sms_url: str = Field(
        "",
        description="twilio://ACCOUNT_SID:AUTH_TOKEN@+33612345678 sends text messages by Twilio; "
        "capture: keeps them instead; without it, steps that send one fail, and say so.",
    )
    erp_url: str = Field(
        "",
        description="The address of the accounting system that update_erp writes to; its key is "
        "the stored secret ERP (SAYSO_SECRET_ERP). Without it, such steps fail, and say so.",
    )
    functions: str = Field(
        "",
        description="The functions of installed packages that workflows may call, by name, "
        "parted by commas; without it, none.",
    )
    data_dir: Path = Field(
        Path("data"), description="The folder of everything Sayso keeps in files."
    )
    secret_key: str = Field(
        "", description="Signs webhooks and sessions; made at first start if not set."
    )
    host: str = Field("127.0.0.1", description="Where to listen; 0.0.0.0 is every network.")
    port: int = Field(8000, description="Where to listen; 0 takes a free port.")
    public_url: str = Field(
        "", description="The address people reach Sayso at, if it is not http://host:port."
    )
    timezone: str = Field("", description="The company's time zone at first start.")
    sender: str = Field(
        "",
        description="In whose name mail is sent, like Billing <billing@example.com>, until an "
        "admin sets a sender on the page System.",
    )
    model: str = Field(DEFAULT_MODEL, description="The model of the AI action.")
    allow_networks: str = Field(
        "", description="Inside addresses that webhooks may call, like 10.20.0.0/16."
    )
    stop: str = Field(
        "",
        description="What must not leave the house: all, or some of email, sms, webhook, model.",
    )
    keep_events_days: int = Field(
        0,
        ge=0,
        description="For how many days the changes of records are kept, beside the newest 30 of "
        "each record; for ever if not set.",
    )
    keep_steps_days: int = Field(
        0,
        ge=0,
        description="For how many days after its end it is kept what the steps of a run did, mails "
        "and all; for ever if not set. That it ran is kept for ever.",
    )
    keep_audit_days: int = Field(
        0, ge=0, description="For how many days it is kept who did what; for ever if not set."
    )
    log: Literal["text", "json"] = Field(
        "text",
        description="How the log on standard error is written: text for people, or json, one "
        "object a line with the run, workflow and record that it is about.",
    )
    debug: bool = Field(False, description="Whether details are logged too.")
    anthropic_api_key: str = Field(
        "",
        validation_alias="ANTHROPIC_API_KEY",
        description="For the AI action; without it such steps fail, and say so.",
    )
    anthropic_base_url: str = Field(
        "",
        validation_alias="ANTHROPIC_BASE_URL",
        description="Another server that speaks the Messages API.",
    )
    model_reads_files: bool | None = Field(
        None,
        description="Whether the model's service reads scans and pictures; if not set, Anthropic's "
        "own does, and no other.",
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'sayso.db'}"

    @property
    def queue(self) -> str:
        return self.queue_url or f"sqlite:///{self.data_dir / 'queue.db'}"

    @property
    def address(self) -> str:
        """Where people reach Sayso."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    def key(self) -> bytes:
        """The secret all is signed with; kept in the data folder if the environment has none."""
        if self.secret_key:
            return self.secret_key.encode()
        kept = self.data_dir / "secret.key"
        if not kept.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            kept.touch(mode=0o600)
            kept.write_text(secrets.token_urlsafe(32))
        return kept.read_text().encode()


def named_secret(name: str) -> str:
    """A stored secret, by the name a workflow calls it. Raises `KeyError`."""
    return os.environ[f"SAYSO_SECRET_{name.upper()}"]


def signing_secret(key: bytes, host: str) -> str:
    """The secret that webhooks to a host are signed with, as Standard Webhooks writes it."""
    return (
        "whsec_"
        + b64encode(hmac.new(key, f"webhook {host}".encode(), hashlib.sha256).digest()).decode()
    )
