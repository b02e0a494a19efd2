"""The files of a record: attached on its page, and saved from there."""

from fastapi import APIRouter
from starlette.responses import Response

from server.access.session import Posted, Signed
from server.operations.files import hand_out, take
from server.pages.frame.errors import PageRoute
from server.pages.frame.page import go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/records/{module}/{record:int}/files")
def attach(visit: Signed, module: str, record: int, form: Posted) -> Response:
    saved = take(visit.desk, module, record, form)
    return go(f"/records/{module}/{record}", f"The file is attached as {saved.number}.")


@router.get("/files/{document:int}")
def save(visit: Signed, document: int) -> Response:
    return hand_out(visit.desk, document)
