"""`sayso explain`: what became of a run, or why a workflow did not start for a record, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from server.cli.terminal import opened

if TYPE_CHECKING:
    from server.access.desk import Desk
    from server.operations.runs import RunStory


@click.command()
@click.argument("what", metavar="RUN")
@click.option("--workflow", type=int, help="RUN is a record then: why did this workflow (not) run?")
def explain(what: str, workflow: int | None) -> None:
    """Tell the story of RUN, like R-12; or of a record, like INV-3, and a workflow."""
    from server.operations import runs, trials

    desk = _desk()
    if workflow is None:
        lines = story(runs.get_run(desk, what.removeprefix("R-")))
    else:
        lines = reasons(trials.explain(desk, workflow, what))
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


def reasons(told: Any) -> Iterator[str]:
    """Whether a workflow would run for a record, what keeps it from it, and the runs there are."""
    would = "would run" if told["would_run"] else "would not run"
    yield f"Workflow {told['workflow']} {would} for {told['record']['number']}: {told['why']}"
    yield from (f"Kept back: {why}" for why in told["blocked_by"])
    yield from (f"There is R-{run['run']}: {run['standing']}" for run in told["runs"])


def _desk() -> "Desk":
    """Whoever holds the machine may see all."""
    from engine.people.logins import BY_SAYSO, Principal
    from engine.people.roles import ROLES
    from server.access.desk import Desk

    return Desk(opened(), Principal(BY_SAYSO.name, frozenset(ROLES)))
