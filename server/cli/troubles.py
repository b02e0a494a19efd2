"""What a command says of an error that is not a mistake of ours."""

from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import ArgumentError, DBAPIError

from engine.problems import Invalid
from server.cli.diagnosis import in_short


def in_words(error: Exception) -> str:
    """What is wrong and what to do; "" for an error that only its traceback explains."""
    match error:
        case Invalid():
            return "\n".join(map(str, error.problems))
        case ValidationError():
            faults = (f"{_named(str(it['loc'][0]))}: {it['msg']}" for it in error.errors())
            return "A setting cannot be read. " + "; ".join(faults)
        case ArgumentError():
            return "SAYSO_DATABASE_URL is not like postgresql+psycopg://user:password@host/name."
        case DBAPIError() | RedisError() | OSError():
            return f"{in_short(error)}. `sayso doctor` shows what can be reached."
    return ""


def _named(setting: str) -> str:
    """A setting as the environment calls it."""
    return setting if setting.isupper() else f"SAYSO_{setting.upper()}"
