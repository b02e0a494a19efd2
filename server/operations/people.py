"""Being written."""

from typing import Any

from server.doors import Answer, Desk


def list_tokens(desk: Desk) -> Answer:
    raise NotImplementedError


def make_token(desk: Desk, label: str, scopes: list[str], days: int = 90) -> Answer:
    raise NotImplementedError


def end_token(desk: Desk, token: int) -> Answer:
    raise NotImplementedError
