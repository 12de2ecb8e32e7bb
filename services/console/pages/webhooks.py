"""Receivers of events, with what went to each, try by try."""

from fastapi import Request
from fastapi.responses import Response

from services.console.promises.drafts import require
from services.console.public_api.client import path
from services.console.registers import attempts
from services.console.registers.admin_lists import WEBHOOKS
from services.console.registers.register_page import RegisterPage
from services.console.service import PageDep
from services.console.shell.confirmation import is_confirmed
from services.console.shell.routes import see_said
from services.runtime.errors import NotFound
from services.runtime.pages.forms import new_key, read_form, require_key

_LONG_AGO = "2000-01-01T00:00:00Z"
_PAGE = RegisterPage(WEBHOOKS)
router = _PAGE.router()


@router.get("/keys/webhooks/{identifier}/deliveries")
async def show_deliveries(
    page: PageDep, identifier: str, state: str = "", cursor: str = "", done: str = ""
) -> Response:
    """Show what went to a receiver."""
    address = WEBHOOKS.address(identifier)
    return page.render(
        "deliveries.html",
        webhook=await page.desk.get(address),
        found=await page.desk.get(f"{address}/deliveries", limit=50, state=state or None, cursor=cursor or None),
        state=state,
        done=done,
        key=new_key,
    )


@router.post("/keys/webhooks/{identifier}/{doing}")
async def do_with_webhook(request: Request, page: PageDep, identifier: str, doing: str) -> Response:
    """Draw another secret and show it; send a test; send again what did not arrive, or one delivery."""
    require(page, WEBHOOKS.needs)
    form = await read_form(request)
    address, key = WEBHOOKS.address(identifier), require_key(form)
    if clash := await attempts.clash(page, form, WEBHOOKS, identifier):
        return await _PAGE.show(page, attempt=clash)
    if doing == "rotate-secret":
        if not is_confirmed(form):
            return await _PAGE.ask(page, form, identifier, "redraw")
        return await _PAGE.show(page, issued=await page.desk.post(f"{address}/rotate-secret", key=key))
    if doing == "test":
        await page.desk.post(f"{address}/test", key=key)
    elif doing == "redeliver":
        wish = {"delivery_id": form.one("delivery_id")} if form.one("delivery_id") else {"since": _LONG_AGO}
        await page.desk.post(f"{address}/redeliver", wish, key=key)
    else:
        raise NotFound
    return see_said(f"{WEBHOOKS.path}{path(identifier, 'deliveries')}?done={doing}")
