"""A new ticket while the customer is on the phone."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.fields import FieldChoice
from services.console.forms.values import Typed, body_of, placed, typed
from services.console.promises.drafts import require
from services.console.public_api.client import ApiProblem
from services.console.rendering.present import Moment
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.console.tickets.phone_form import BEGINNING, FIELDS, SECTIONS
from services.console.tickets.rows import TICKET_NO, BoardRow, rows_of
from services.contracts.permissions import Action
from services.runtime.pages.forms import Form, new_key, read_form, require_key
from services.wording import LANGUAGES

_FEWEST_DIGITS = 7
_MOST_CUSTOMERS = 5
_MOST_TICKETS = 5
_LONGEST = 200
_SENT_AGAIN = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT})

router = page_router()


@dataclass(frozen=True)
class Known:
    """A customer whom the caller may be, shortened, with their latest tickets."""

    customer: Mapping[str, Any]
    rows: Sequence[BoardRow]


@dataclass(frozen=True)
class Earlier:
    """Records known already: customers by phone, and tickets of the same serial number; `limited`, nobody was looked
    for, because too many have been."""

    asked: bool = False
    limited: bool = False
    customers: Sequence[Known] = ()
    same_product: Sequence[BoardRow] = ()


@router.get("/tickets/new")
async def show_form(page: PageDep, saved: str = "", accept_by: str = "", respond_by: str = "") -> Response:
    """An empty form; after saving, the number and the promised times above it. They come from the answer that saved
    it: routing may have taken the ticket out of the clerk's sight already."""
    require(page, Action.REGISTER_FEEDBACK)
    promised = {"acceptance": accept_by, "response": respond_by}
    return _form(
        page, Typed(BEGINNING), saved=saved if TICKET_NO.fullmatch(saved) else "", promised=_promised(page, promised)
    )


@router.post("/tickets/new")
async def register(request: Request, page: PageDep) -> Response:
    """Register the feedback. The same form sent twice is one ticket; one that fails comes back as it was typed."""
    require(page, Action.REGISTER_FEEDBACK)
    form = await read_form(request)
    key = require_key(form)
    body, errors = body_of(form, FIELDS, page.zone, page.words)
    values = typed(form, FIELDS).values
    if errors:
        return _form(page, Typed(values, errors), failure="fields", status=422)
    body.setdefault("channel", "phone")
    try:
        registered = await page.desk.post("/v1/feedback", body, key=key)
    except ApiProblem as problem:
        return _refused(page, problem, values, key)
    promised = {name: at for name, at in registered["promised"].items() if at}
    return see_said(f"/tickets/new?{urlencode({'saved': registered['ticket_no'], **promised})}")


@router.post("/tickets/new/caller")
async def look_up(request: Request, page: PageDep) -> Response:
    """Look up who may be calling, by phone, and what was reported of the same serial number; in a body, for both are
    searched for. A script puts the answer beside the form; without one the whole form comes back with it."""
    require(page, Action.REGISTER_FEEDBACK)
    form = await read_form(request)
    earlier = await _earlier(page, form)
    if request.headers.get("hx-request"):
        return page.render("new_ticket_caller.html", earlier=earlier)
    return _form(page, typed(form, FIELDS), key=require_key(form), earlier=earlier)


def _refused(page: Page, problem: ApiProblem, values: Mapping[str, Sequence[str]], key: str) -> Response:
    if problem.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        raise problem
    if problem.status in _SENT_AGAIN:
        return _form(page, Typed(values), key=key, failure="unknown", status=problem.status)
    at, elsewhere = placed(problem.errors, FIELDS)
    if problem.code == "idempotency_key_reused":
        return _form(page, Typed(values), failure="reused", status=problem.status)
    if not at and not elsewhere:
        elsewhere = [problem.detail or problem.title]
    return _form(page, Typed(values, at, elsewhere), failure="fields", status=problem.status)


def _form(
    page: Page,
    filled: Typed,
    *,
    key: str = "",
    failure: str = "",
    earlier: Earlier | None = None,
    saved: str = "",
    promised: Sequence[tuple[str, Moment]] = (),
    status: int = 200,
) -> Response:
    return page.render(
        "new_ticket.html",
        status=status,
        sections=SECTIONS,
        filled=filled,
        key=key or new_key(),
        failure=failure,
        earlier=earlier or Earlier(),
        saved=saved,
        promised=promised,
        choices={"languages": [FieldChoice(each, page.words.of("language", each)) for each in LANGUAGES]},
    )


def _promised(page: Page, instants: Mapping[str, str]) -> list[tuple[str, Moment]]:
    """Promises by the name of their clock; what is no instant was not written by this page."""
    present, shown = page.present(), []
    for clock, at in instants.items():
        with suppress(ValueError):
            moment = present.moment(at or None)
            shown += [(page.words.of("clock", clock), moment)] if moment else []
    return shown


async def _earlier(page: Page, form: Form) -> Earlier:
    if Action.READ_CUSTOMER not in page.reader.allowed:
        return Earlier()
    phone, serial = form.one("customer.phone"), form.one("product.serial_no")
    digits = re.sub(r"\D", "", phone)
    people: list[Mapping[str, Any]] = []
    limited = False
    if len(digits) >= _FEWEST_DIGITS:
        search = {"q": phone[:_LONGEST], "limit": _MOST_CUSTOMERS}
        try:
            people = (await page.desk.post("/v1/customers/search", search))["items"]
        except ApiProblem as problem:
            if problem.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            limited = True
    known = await asyncio.gather(*(_known(page, each) for each in people))
    same = []
    if serial:
        search = {"q": serial, "limit": _MOST_TICKETS, "sort": "-opened_at"}
        same = await rows_of(page, (await page.desk.post("/v1/tickets/search", search))["items"])
    return Earlier(bool(digits or serial), limited, known, same)


async def _known(page: Page, customer: Mapping[str, Any]) -> Known:
    asked = {"customer_id": customer["id"], "sort": "-opened_at"}
    found = await page.desk.get("/v1/tickets", limit=_MOST_TICKETS, **asked)
    return Known(customer, await rows_of(page, found["items"]))
