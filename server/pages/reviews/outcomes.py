"""What came of a dry run, in what people count: "1 mail", "Not sent: chasing is paused"."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.records.states import Result, RunState
from engine.runs.rehearsal import Rehearsed, Told
from engine.schema.english import count
from server.pages.frame.views import Tone
from server.pages.reviews.views import Badge

LONGEST = 90
Fate = Literal["fails", "not sent", "skipped", "held"]
LOOKS: dict[Fate, tuple[Tone, str]] = {
    "fails": ("bad", "x"), "not sent": ("warn", "octagon-pause"),
    "skipped": ("warn", "skip-forward"), "held": ("warn", "octagon-pause"),
}  # fmt: skip


@dataclass(frozen=True)
class CameTo:
    """All that came of one dry run: how many of each thing were done, and which steps came to
    nothing, each with why. A supposed one is of a record that does not lead there now."""

    matches: bool
    supposed: bool
    done: Counter[str]
    kept: Sequence[tuple[Fate, str]]

    @property
    def whole(self) -> bool:
        """Whether something is done, and nothing came to nothing."""
        return bool(self.done) and not self.kept

    @property
    def fails(self) -> bool:
        return any(fate == "fails" for fate, _ in self.kept)


def came_to(found: Rehearsed) -> CameTo:
    """The same of a rehearsal; what a failed step leaves for people to do is not what it did."""
    kept = list(dict.fromkeys(_kept(found)))
    failed = {told.step for told in found.effects if told.outcome == Result.FAILED}
    done = Counter(
        told.counted
        for told in found.effects
        if told.effect and told.outcome == Result.DONE and told.step not in failed
    )
    return CameTo(found.matches, bool(found.led_to), done, kept)


def badge(it: CameTo) -> Badge:
    """The same in a few words, green only where something is done and all of it."""
    if not it.matches:
        return {"tone": "", "icon": "circle-minus", "word": "Does not match"}
    told = "; ".join([*_things(it.done), *map(_said, it.kept)]) or "nothing"
    word = told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"
    if it.supposed:
        return {"tone": "info", "icon": "flask-conical", "word": f"Supposed: {word}"}
    tone, icon = _look(it)
    return {"tone": tone, "icon": icon, "word": word[:1].upper() + word[1:]}


def summary(all: Sequence[CameTo]) -> str:
    """What came of all: "5 tried: 2 mails, 2 not sent, 1 fails"."""
    real = [it for it in all if not it.supposed]
    supposed = len(all) - len(real)
    told = [f"{len(real)} tried: {', '.join(_totals(real))}"] if real else []
    if supposed:
        told.append(f"{supposed} {'more ' if real else ''}as if it matched or led there")
    return "; ".join(told)


def _totals(real: Sequence[CameTo]) -> Iterator[str]:
    yield from _things(sum((it.done for it in real), Counter()))
    fates = Counter(fate for it in real for fate, _ in it.kept)
    for fate, number in fates.items():
        yield f"{number} {'fail' if fate == 'fails' and number > 1 else fate}"
    if nothing := sum(it.matches and not it.done and not it.kept for it in real):
        yield f"{nothing} nothing"
    if unlike := sum(not it.matches for it in real):
        yield f"{unlike} {'does' if unlike == 1 else 'do'} not match"


def _things(done: Counter[str]) -> list[str]:
    return [count(number, thing) for thing, number in done.items()]


def _said(kept: tuple[Fate, str]) -> str:
    """Why, in its first sentence."""
    fate, why = kept[0], kept[1].partition(". ")[0]
    return why if why.startswith(fate) else f"{fate}: {why}"


def _look(it: CameTo) -> tuple[Tone, str]:
    if it.kept:
        return LOOKS[min((fate for fate, _ in it.kept), key=list(LOOKS).index)]
    return ("ok", "check") if it.done else ("", "circle-minus")


def _kept(found: Rehearsed) -> Iterator[tuple[Fate, str]]:
    for told in found.effects:
        if told.outcome not in (Result.DONE, Result.UNCHANGED):
            yield _fate(told), (told.why or told.does).rstrip(".")
    state, _, reason = found.ends.partition(": ")
    failed = any(told.outcome == Result.FAILED for told in found.effects)
    if found.matches and state == RunState.FAILED and not failed:
        yield "fails", reason.rstrip(".")


def _fate(told: Told) -> Fate:
    if told.outcome == Result.FAILED:
        return "fails"
    if (told.why or told.does).startswith("not sent"):
        return "not sent"
    return "skipped" if told.outcome == Result.SKIPPED else "held"
