"""`sayso explain`: what became of a run, or why a workflow did not start for a record, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from server.cli.terminal import opened

if TYPE_CHECKING:
    from server.access.desk import Desk
    from server.operations.explaining import Asked, Explanation
    from server.operations.runs import RunStory


@click.command()
@click.argument("what", metavar="RUN|RECORD")
@click.option("--workflow", type=int, help="Of this workflow alone, and condition by condition.")
@click.option("--as-of", help="Another day, or a moment that is past: 2026-03-10, today-7d.")
def explain(what: str, workflow: int | None, as_of: str | None) -> None:
    """Tell the story of a run, like R-12; or which workflows run for a record or a customer."""
    from server.operations import explaining, runs
    from server.operations.queries.runs import run_id

    desk = _desk()
    if workflow is None and run_id(what):
        lines = story(runs.get_run(desk, what))
    else:
        lines = reasons(explaining.explain(desk, what, workflow, as_of))
    for line in lines:
        click.echo(line)


def story(run: "RunStory") -> Iterator[str]:
    """A run, line by line: what it is, what started it, each step, and where it stands."""
    record, caused_by = run["record"], run["caused_by"]
    about = record.get("number") or f"{record['module']}/{record['id']}"
    version = f"workflow {run['workflow']}, v{run['version']}"
    yield f"R-{run['run']}: “{run['name']}” ({version}), {about}"
    cause = f"change {caused_by['change']}" if "change" in caused_by else "no change of a record"
    yield f"{run['started_at']}  started by {run['actor']}, after {cause}"
    for step in run["story"]:
        by = f"by {step['by']}" if "by" in step else ""
        told = [step["outcome"], by, step.get("said", ""), step.get("warned", "")]
        yield f"{step['at']}  {step.get('step', 'run')}: {'; '.join(filter(None, told))}"
    if run["ended_at"]:
        yield f"{run['ended_at']}  {run['state']}: {run['reason']}"
    else:
        when = f" until {run['next_at']}" if run["next_at"] else ""
        stands = f"It is {run['standing']} at {run['step'] or 'its end'}{when}."
        yield f"{stands} {run['reason']}".rstrip()


def reasons(told: "Explanation") -> Iterator[str]:
    """Whether workflows would run for a record, what keeps them from it, and the runs there are."""
    if "verdicts" in told:
        yield from map(_line, told["verdicts"])
    else:
        would = "would run" if told["would_run"] else "would not run"
        yield f"Workflow {told['workflow']} {would} for {told['record']['number']}: {told['why']}"
        yield from (f"Kept back: {why}" for why in told["blocked_by"])
        yield from (f"Not sent: {why}" for why in told["not_sent"])
    yield from (f"There is R-{run['run']}: {run['standing']}" for run in told["runs"])


def _line(asked: "Asked") -> str:
    would = "would run" if asked["would_run"] else "would not run"
    named = f"“{asked['name']}” (workflow {asked['workflow']})"
    return f"{asked['record']['number']}: {named} {would}: {asked['why']}"


def _desk() -> "Desk":
    """Whoever holds the machine may see all."""
    from engine.people.logins import BY_SAYSO, Principal
    from engine.people.roles import ROLES
    from server.access.desk import Desk

    return Desk(opened(), Principal(BY_SAYSO.name, frozenset(ROLES)))
