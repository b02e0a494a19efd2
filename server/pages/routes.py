"""All pages, as one router: each behind the guard against forms of other sites."""

from fastapi import APIRouter, Depends

from server.pages import (
    account,
    files,
    home,
    mailbox,
    record_form,
    records,
    reviews,
    runs,
    settings,
    switching,
    tokens,
    transfer,
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
    record_form,
    transfer,
    files,
    records,
    mailbox,
    tokens,
    settings,
):
    router.include_router(part.router)

__all__ = ["router", "trouble"]
