"""Mail addresses: one form for each, and nothing that could be two."""

import email_validator
from email_validator import EmailNotValidError, validate_email

# Addresses inside a company (.local, .test) are for its own mail server to judge.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class BadAddress(ValueError):
    """Text that is not one mail address; the message says why."""


def mail_address(text: str) -> str:
    """The address in its one form (ASCII domain). Raises `BadAddress`; no look-up is made."""
    given = text.strip()
    if not given:
        raise BadAddress("There is no mail address; write one like name@example.com.")
    if "," in given or ";" in given:
        raise BadAddress("This is more than one mail address; write a single one.")
    if "=?" in given:  # Header parsers, Python's own among them, would decode what follows.
        raise BadAddress("A mail address cannot have =? in it; write one like name@example.com.")
    try:
        found = validate_email(given, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise BadAddress(f"{_shown(given)!r} is not a mail address: {error}") from error
    return found.ascii_email or found.normalized


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:80]
