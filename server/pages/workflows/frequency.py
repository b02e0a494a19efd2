"""The questions that ask how often a schedule runs, and the schedule that the answers make."""

from collections.abc import Collection, Iterable
from typing import Any

from starlette.datastructures import FormData

from engine.company.schedule import KEYS, WEEKDAY_NAMES, WEEKDAYS
from server.access.session import text, texts
from server.pages.frame.lists import choice
from server.pages.frame.views import FormField

EVERY = {
    "half_hour": "Every half hour",
    "hour": "Every hour",
    "day": "Every day",
    "week": "Every week",
    "month": "Every month",
    "year": "Every year",
    "once": "Once",
    "cron": "By cron",
}
TEXTS = ("at", "interval", "anchor", "days", "working_day", "dates", "date", "cron", "timezone")
MISSING = (("last_day", "On its last day"), ("skip", "Not at all"))
LISTS = ("days", "dates")
NUMBERS = ("interval", "working_day")


def questions(trigger: dict[str, Any]) -> list[FormField]:
    """One for each key; those that mean nothing for the chosen rhythm are left empty."""
    every = trigger.get("every") or ("cron" if trigger.get("cron") else "day")
    chosen, missing = trigger.get("weekdays") or (), trigger.get("on_missing_day", "last_day")
    weekdays = zip(WEEKDAYS, WEEKDAY_NAMES, strict=True)
    return [
        _choices("every", "How often", "select", EVERY.items(), [every]),
        _text("at", "At", trigger, "A time of day, like 09:00; not for every hour or half hour."),
        _choices("weekdays", "Every week: on", "checks", weekdays, chosen),
        _text("days", "Every month: on these days", trigger, "Like 1, 15 or last."),
        _text("working_day", "Every month: on this working day", trigger, "1 the first, -1 last."),
        _text("nth_weekday", "Every month: on this weekday", trigger, "2 tue: its second Tuesday."),
        _choices("on_missing_day", "Where a month has no such day", "select", MISSING, [missing]),
        _text("dates", "Every year: on", trigger, "Month and day, like 07-14, 12-24."),
        _text("date", "Once: on", trigger, "Like 2026-07-14."),
        _text("interval", "Only each so many", trigger, "2 with every week: every second week."),
        _text("anchor", "Counted from", trigger, "A first day, like 2026-01-05."),
        _text("cron", "By cron", trigger, "Five fields, like 0 9 * * 1-5."),
        _text("timezone", "Time zone", trigger, "The company's, unless you name another."),
    ]


def asked_for(form: FormData) -> dict[str, Any]:
    """The schedule as it was answered, with its mistakes: checks tell them better.

    What means nothing for the chosen rhythm is left out, as it may be left from another.
    """
    given: dict[str, Any] = {name: value for name in TEXTS if (value := text(form, name))}
    for name in LISTS:
        if name in given:
            parts = [part.strip() for part in given[name].split(",")]
            given[name] = [_number(part) for part in parts if part]
    for name in NUMBERS:
        if name in given:
            given[name] = _number(given[name])
    if nth := text(form, "nth_weekday").split():
        given["nth_weekday"] = {"nth": _number(nth[0]), "weekday": " ".join(nth[1:])}
    if text(form, "on_missing_day") == "skip":
        given["on_missing_day"] = "skip"
    if weekdays := texts(form, "weekdays"):
        given["weekdays"] = weekdays
    every = text(form, "every")
    kept = {*KEYS.get(every, ("cron",)), "timezone"}
    fitting = {name: value for name, value in given.items() if name in kept}
    return fitting if every == "cron" else {"every": every, **fitting}


def _number(word: str) -> int | str:
    digits = word.removeprefix("-")
    return int(word) if digits.isdecimal() and len(digits) < 6 else word


def _text(name: str, label: str, trigger: dict[str, Any], help: str) -> FormField:
    value = trigger.get(name)
    if isinstance(value, dict):
        told = " ".join(map(str, value.values()))
    else:
        told = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    return {**_field(name, label, "text"), "value": told, "help": help}


def _choices(
    name: str, label: str, kind: Any, every: Iterable[tuple[str, str]], chosen: Collection[str]
) -> FormField:
    choices = [choice(value, words, value in chosen) for value, words in every]
    return {**_field(name, label, kind), "choices": choices}


def _field(name: str, label: str, kind: Any) -> FormField:
    rhythms = [every for every in EVERY if name in KEYS.get(every, ("cron",))]
    return {
        "name": name, "label": label, "kind": kind, "value": "", "choices": [], "help": "",
        "error": "", "required": name == "every", "only": " ".join(rhythms),
    }  # fmt: skip
