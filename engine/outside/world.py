"""The edge: everything outside the database, and the one place it is touched from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from engine.outside import smtp
from engine.outside.claude import Claude
from engine.outside.egress import Egress, parse_networks
from engine.outside.hooks import Hooks
from engine.outside.texting import Provider, provider
from engine.records import attachments
from engine.settings import Settings, named_secret, signing_secret

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """The clock, the network, the mail server and the model."""

    clock: Clock = system_clock
    egress: Egress = field(default_factory=Egress)
    smtp_url: str = ""
    model: Claude | None = None
    key: bytes = b""
    sms: Provider | None = None
    erp_url: str = ""
    files: Path | None = None
    find_secret: Callable[[str], str] = named_secret
    stopped: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings, clock: Clock = system_clock) -> "World":
        """The world as the settings describe it."""
        key, base = settings.anthropic_api_key, settings.anthropic_base_url
        whole = settings.model_reads_files
        reads_files = not base if whole is None else whole
        model = Claude(key, base, settings.model, reads_files) if key else None
        networks = parse_networks(settings.allow_networks)
        return cls(
            clock,
            Egress(allow_networks=networks),
            settings.smtp_url,
            model=model,
            key=settings.key(),
            sms=sms_provider(settings),
            erp_url=settings.erp_url,
            files=settings.data_dir,
            stopped=frozenset(settings.stop.replace(",", " ").lower().split()),
        )

    def now(self) -> datetime:
        return self.clock()

    def deliver(self, mail: smtp.Mail, connection: str = "") -> smtp.Delivery:
        """Hand a mail to the mail server, or to the one whose address a stored secret holds."""
        return smtp.deliver(self.secret(connection) if connection else self.smtp_url, mail)

    def file(self, digest: str) -> bytes:
        """The bytes that were kept under this SHA-256. Raises `FileNotFoundError`."""
        if self.files is None:
            raise FileNotFoundError(digest)
        return attachments.path_of(self.files, digest).read_bytes()

    def keep(self, data: bytes) -> str:
        """Keep a file; returns the digest that it goes by."""
        assert self.files is not None, "this world has no folder for files"
        return attachments.keep(self.files, BytesIO(data)).digest

    def secret(self, name: str) -> str:
        return self.find_secret(name)

    def signing_secret(self, url: str) -> str:
        return signing_secret(self.key, urlsplit(url).hostname or "")

    def scrub(self, text: str, *secrets: str) -> str:
        """Text from outside, without our own key and the stored secrets of these names."""
        hidden = [self.key.decode(errors="replace"), *map(self.secret, secrets)]
        for value in filter(None, hidden):
            text = text.replace(value, "***")
        return text


def sms_provider(settings: Settings) -> Provider | None:
    """The SMS service of the settings; it reports to us if we can be reached from outside."""
    hooks = Hooks(settings.address, settings.key())
    callback = hooks.url("sms") if settings.public_url else ""
    try:
        return provider(settings.sms_url, callback)
    except ValueError:  # `sayso doctor` says what is wrong; until then nothing is sent
        return None
