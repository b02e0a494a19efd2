"""The door of the SMS service: its reports on messages, and what people answer to them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from engine.installation import Installation
from engine.outside.hooks import Hooks
from engine.outside.receipts import take_receipt, take_reply
from engine.outside.texting import Receipt, Reply
from server.access.guard import refused

router = APIRouter(prefix="/hooks", include_in_schema=False)
NOTHING = Response("<Response></Response>", media_type="text/xml")
MOST_FIELDS = 60


@router.post("/sms/{word}")
async def texted(request: Request, word: str) -> Response:
    """A report or a reply, signed by the service. Whoever else posts here is refused."""
    installation: Installation = request.app.state.installation
    hooks = Hooks(installation.settings.address, installation.settings.key())
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as fields:
        form = {name: value for name, value in fields.items() if isinstance(value, str)}
    signature = request.headers.get("x-twilio-signature", "")
    service = installation.world.sms
    known = service is not None and hooks.opens(word, "sms")
    if service is None or not known or not service.vouched(hooks.url("sms"), form, signature):
        return refused(403, "This is not from our SMS service.", "It signs what it sends.")
    await run_in_threadpool(_take, installation, service.heard(form))
    return NOTHING


def _take(installation: Installation, heard: Receipt | Reply | None) -> None:
    with installation.database.begin() as tx:
        match heard:
            case Receipt():
                take_receipt(tx, heard)
            case Reply():
                take_reply(tx, heard)
    installation.changed()
