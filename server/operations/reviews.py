"""Being written."""

from typing import Any

from server.doors import Answer, Desk


def list_reviews(desk: Desk, state: str = "in_review") -> Answer:
    raise NotImplementedError


def get_review(desk: Desk, review: int) -> Answer:
    raise NotImplementedError


def approve(
    desk: Desk, review: int, hash: str, comment: str = "", baseline: str | None = None
) -> Answer:
    raise NotImplementedError


def reject(desk: Desk, review: int, hash: str, comment: str) -> Answer:
    raise NotImplementedError
