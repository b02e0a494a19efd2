"""The first page: what needs the person now."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from engine.records.states import DRIVEN
from engine.records.transaction import Transaction
from server.access.session import Signed, Visit
from server.operations.alerts import no_sender
from server.operations.people import any_token_used
from server.operations.queries import records, runs, versions, workflows
from server.operations.queries.runs import Wanted
from server.operations.schedules import SILENCE, last_sign_of_life
from server.pages.frame.charts import chart_of_all, first_moment
from server.pages.frame.errors import PageRoute
from server.pages.frame.field_values import size
from server.pages.frame.moments import ago
from server.pages.frame.names import Names
from server.pages.frame.page import page
from server.pages.frame.rows import review_rows, run_rows
from server.pages.frame.views import Check, Stat
from server.pages.me.alerts import open_troubles
from server.pages.me.views import HomeView, Task
from server.pages.workflows.planner import scheduler_check

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/")
def show_home(visit: Signed) -> Response:
    with visit.desk.read() as tx:
        names = Names(tx)
        waiting = versions.in_states(tx, "in_review") if visit.desk.may("workflows:read") else []
        may_see_runs = visit.desk.may("runs:read")
        troubles = open_troubles(tx)[:8] if may_see_runs else []
        view: HomeView = {
            "greeting": _greeting(tx, names.person(visit.name)),
            "summary": _summary(tx, len(waiting), len(troubles)),
            "reviews": review_rows(names, waiting[:5]),
            "troubles": troubles,
            "stats": _stats(tx),
            "chart": chart_of_all(tx),
            "runs": run_rows(names, runs.newest(tx, runs.ALL, 5)) if may_see_runs else [],
            "health": health(visit, tx),
            "tasks": _tasks(visit, tx),
        }
        return page(visit, tx, "home.html", view, title="Home", here="home")


def health(visit: Visit, tx: Transaction) -> list[Check]:
    """Whether all that must be alive is, and what is switched off for want of a setting."""
    settings = visit.installation.settings
    model = (
        _check("ok", "The AI action has its key")
        if settings.anthropic_api_key
        else _check("info", "The AI action is off", "There is no Anthropic key.")
    )
    return [
        _worker(tx),
        scheduler_check(tx),
        _check("ok", "The database answers"),
        _mail(visit),
        model,
    ]


def _mail(visit: Visit) -> Check:
    if not visit.installation.settings.smtp_url:
        return _check("info", "Mail is kept in the mailbox page", "No mail server is set.")
    if no_sender(visit.installation):
        remedy = "An admin sets one on the page System, or SAYSO_SENDER does."
        return _check("warn", "Mail is held", "No sender is set.", remedy)
    return _check("ok", "Mail goes out through a server")


def _worker(tx: Transaction) -> Check:
    seen = last_sign_of_life(tx)
    if seen is None:
        remedy = "Start one with “sayso worker”, or wait a minute after the start."
        return _check("bad", "No worker has reported yet", "Nothing runs without one.", remedy)
    if tx.now - seen > SILENCE:
        told = f"The last one reported {ago(seen - tx.now)}."
        return _check("bad", "No worker is alive", told, "Start one with “sayso worker”.")
    return _check("ok", "A worker is alive", f"It reported {ago(seen - tx.now)}.")


def _check(tone: Any, text: str, detail: str = "", remedy: str = "") -> Check:
    return {"tone": tone, "text": text, "detail": detail, "remedy": remedy}


def _greeting(tx: Transaction, name: str) -> str:
    hour = tx.now.astimezone(tx.company.calendar.timezone).hour
    day = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    return f"Good {day}, {name.split(' ')[0]}"


def _summary(tx: Transaction, waiting: int, troubles: int) -> str:
    today = runs.count(tx, Wanted(since=first_moment(tx, 1)))
    told = [f"{size(waiting, 'proposal waits', 'proposals wait')} for review."] if waiting else []
    told += [f"{size(troubles, 'thing needs', 'things need')} a look."] if troubles else []
    return " ".join([*(told or ["All quiet."]), f"{size(today, 'run')} today."])


def _stats(tx: Transaction) -> list[Stat]:
    since = first_moment(tx)
    recent = runs.by_state(tx, Wanted(since=since)).values()
    failed = runs.failures(tx, since).total()
    made = [
        (label, records.made_by_workflows(tx, tx.schema.modules[module], since), "")
        for label, module in (("E-mails", "emails"), ("Tasks", "tasks"))
        if module in tx.schema.modules
    ]
    found = [
        ("Runs", sum(states.total() for states in recent), ""),
        *made,
        ("Failed", failed, "bad" if failed else ""),
        ("Inside now", runs.count(tx, Wanted(states=DRIVEN)), ""),
    ]
    return [_stat(label, count, tone) for label, count, tone in found]


def _stat(label: str, count: int, tone: Any) -> Stat:
    return {"label": label, "text": f"{count:,}", "was": "", "tone": tone}


def _tasks(visit: Visit, tx: Transaction) -> list[Task]:
    """What is left to do at first start; nothing once all is done."""
    connected, drafted = any_token_used(tx), bool(workflows.named(tx))
    approved = versions.count(tx, "approved") > 0
    if connected and drafted and approved:
        return []
    return [
        _task(True, "Sign in", "", ""),
        _task(
            connected,
            "Connect an assistant",
            "Make a token and paste the settings into Claude or another client.",
            "/tokens",
        ),
        _task(
            drafted,
            "Ask it for a workflow",
            "Such as: remind customers whose invoice is past due.",
            "/workflows",
        ),
        _task(
            approved,
            "Approve your first workflow",
            "Read what it would do, then let it run.",
            "/reviews",
        ),
    ]


def _task(done: bool, text: str, help: str, href: str) -> Task:
    return {"done": done, "text": text, "help": help, "href": href}
