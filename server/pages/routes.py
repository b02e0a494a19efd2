"""All pages, as one router: each behind the guard against forms of other sites."""

from fastapi import APIRouter, Depends

from server.pages import (
    account,
    calendars,
    files,
    home,
    mailbox,
    notices,
    one_offs,
    outbox,
    planner,
    record_form,
    records,
    reviews,
    runs,
    senders,
    sending,
    settings,
    statements,
    switching,
    templates,
    times,
    tokens,
    transfer,
    variables,
    workflows,
)
from server.pages.errors import PageRoute, trouble
from server.pages.session import same_origin

router = APIRouter(
    route_class=PageRoute, include_in_schema=False, dependencies=[Depends(same_origin)]
)
for part in (
    account,
    home,
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
