"""All that a workflow may do, and what of it a reviewer has to look at first."""

from collections.abc import Iterable

from engine.blocks.rights import Right
from engine.blocks.step import Step
from engine.conditions import Binder

NEW_HOST = "New outside address"


def rights(steps: Iterable[Step], binder: Binder) -> list[Right]:
    """What these steps may do, each once, in the order of the steps."""
    return list(dict.fromkeys(right for step in steps for right in step.rights(binder)))


def hosts(steps: Iterable[Step]) -> set[str]:
    """The machines outside that the workflow itself has these steps call, by name."""
    return {host.name for step in steps for host in step.hosts() if host.name}


def new_hosts(steps: Iterable[Step], before: Iterable[Step]) -> list[str]:
    """The machines outside that were not called before."""
    return sorted(hosts(steps) - hosts(before))


def risks(steps: Iterable[Step], before: Iterable[Step]) -> list[str]:
    """What is new and grave in these steps, in a few words each."""
    steps, before = list(steps), list(before)
    had = {step.risk for step in before}
    found = [NEW_HOST] if new_hosts(steps, before) else []
    return list(dict.fromkeys([*found, *(s.risk for s in steps if s.risk and s.risk not in had)]))
