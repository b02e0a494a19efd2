"""Phone numbers: in the one form that the world dials, +33612345678."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from engine.problems import BadValue

DEAR = {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}


def e164(written: str, country: str | None = None) -> str:
    """The number as E.164; one without its country code is one of that country.

    Raises `BadValue` for what cannot be dialled, and for numbers that cost whoever calls them.
    """
    region = country.strip().upper() if country else None
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException:
        raise BadValue(f"`{written}` is no phone number.", _remedy(written, region)) from None
    international = written.strip().startswith("+")  # then the one who sends it knows better
    if not international and not phonenumbers.is_possible_number(number):
        raise BadValue(f"`{written}` is no phone number.", _remedy(written, region))
    if phonenumbers.number_type(number) in DEAR:
        raise BadValue(f"`{written}` is a number at a premium rate.", "Use another number.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _remedy(written: str, region: str | None) -> str:
    example = "Write it like +33612345678."
    if written.strip().startswith("+") or region in phonenumbers.SUPPORTED_REGIONS:
        return example
    return f"Write it with its country code, or set the company's country. {example}"
