"""All pages, as one router: each behind the guard against forms of other sites."""

from fastapi import APIRouter, Depends

from server.access.session import same_origin
from server.pages.frame.errors import PageRoute, trouble
from server.pages.me import account, alerts, first_user, home, notices, tokens
from server.pages.messages import mailbox, one_offs, outbox, senders, sending, statements
from server.pages.records import files, transfer, why
from server.pages.records import form as record_form
from server.pages.records import routes as records
from server.pages.reviews import routes as reviews
from server.pages.runs import routes as runs
from server.pages.runs import times
from server.pages.system import calendar as calendars
from server.pages.system import status as settings
from server.pages.templates import routes as templates
from server.pages.templates import variables
from server.pages.workflows import planner, switching
from server.pages.workflows import routes as workflows

router = APIRouter(
    route_class=PageRoute, include_in_schema=False, dependencies=[Depends(same_origin)]
)
for part in (
    account,
    first_user,
    home,
    alerts,
    reviews,
    workflows,
    switching,
    runs,
    planner,
    times,
    templates,
    variables,
    record_form,
    transfer,
    files,
    why,
    records,
    mailbox,
    outbox,
    one_offs,
    notices,
    tokens,
    senders,
    sending,
    settings,
    calendars,
    statements,
):
    router.include_router(part.router)

__all__ = ["router", "trouble"]
