"""Being written."""

from typing import Any

from server.doors import Answer, Desk


def run_workflow(
    desk: Desk,
    workflow: int,
    records: list[int | str] | None = None,
    where: dict[str, Any] | None = None,
    dry: bool = False,
) -> Answer:
    raise NotImplementedError


def list_runs(
    desk: Desk,
    workflow: int | None = None,
    record: str | None = None,
    state: str | None = None,
    step: str | None = None,
    since: str | None = None,
    cursor: str | None = None,
) -> Answer:
    raise NotImplementedError


def get_run(desk: Desk, run: int | str) -> Answer:
    raise NotImplementedError


def decide_run(desk: Desk, run: int, arrived: bool) -> Answer:
    raise NotImplementedError
