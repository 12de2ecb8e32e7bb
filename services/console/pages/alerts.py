"""Alerts: what wants an answer now, who was told, who is told next, and the answer in one click."""

from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from services.console.forms.fields import FieldChoice
from services.console.promises.drafts import said
from services.console.public_api.client import ApiProblem, path
from services.console.service import HEADERS, Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.console.tickets.alert_rows import VIEWS, alarm, in_order, snooze_end
from services.runtime.errors import NotFound
from services.runtime.http.edge import leave_the_bound
from services.runtime.pages.forms import Form, new_key, read_form, require_key

router = page_router()
ANSWERS = frozenset({"acknowledge", "snooze", "hand-over", "resolve"})
_MOST = 200
_LONGEST_ID = 100
_TOLD = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})


@router.get("/alerts")
async def show_alerts(request: Request, page: PageDep) -> Response:
    """The alerts that the address asks for, with `alert` that one first; `part=live` answers the moving part."""
    return await _show(request, page)


@router.get("/alerts/count")
async def count_alerts(page: PageDep) -> Response:
    """Count the alerts that want an answer, for the navigation of every page."""
    found = await page.desk.get("/v1/alerts", state="open", limit=100)
    return page.render("alerts_count.html", count=len(found["items"]), more=found["next_cursor"] is not None)


@router.get("/alerts/stream")
async def stream_alerts(request: Request, page: PageDep) -> Response:
    """The API's stream, with the token of whoever looks at the page."""
    pieces = page.desk.follow("/v1/alerts/stream", request.headers.get("last-event-id"))
    first = await anext(pieces, b"")
    leave_the_bound(request)
    return StreamingResponse(
        _handed_on(first, pieces), media_type="text/event-stream", headers={**HEADERS, "X-Accel-Buffering": "no"}
    )


@router.post("/alerts/{alert_id}/{answer}")
async def answer_alert(request: Request, page: PageDep, alert_id: str, answer: str) -> Response:
    """Acknowledge, snooze, hand over or resolve; back to the list, with what went wrong if something did."""
    if answer not in ANSWERS:
        raise NotFound
    form = await read_form(request)
    address, key = path("v1", "alerts", alert_id), require_key(form)
    problem = ""
    if _seen(await page.desk.get(address)) != form.one("seen"):
        problem = page.words.text("alerts.changed")
    else:
        try:
            await page.desk.post(f"{address}/{answer}", _body(page, answer, form), key=key)
        except ApiProblem as refused:
            if refused.status not in _TOLD:
                raise
            problem = said(refused)[0]
    if problem or request.headers.get("hx-request"):
        return await _show(request, page, form, problem=problem, done="" if problem else answer)
    return see_said(_address(form.one("view"), done=answer, alert=form.one("alert")))


def _seen(alert: Mapping[str, Any]) -> str:
    """The alert's holder, and since when, as the page showed it: somebody who is told meanwhile takes no click away."""
    return " ".join(str(alert[name]) for name in ("state", "acknowledged_at", "handed_to", "snoozed_until"))


def _body(page: Page, answer: str, form: Form) -> dict[str, Any]:
    if answer == "snooze":
        return {"until": snooze_end(form.one("for"), page)}
    if answer == "hand-over":
        return {"staff": form.one("staff")}
    if answer == "resolve" and form.one("note"):
        return {"note": form.one("note")}
    return {}


async def _handed_on(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in pieces:
            yield piece
    except ApiProblem:
        return  # the browser connects again


def _address(view: str, **more: str) -> str:
    asked = {"view": view if view in VIEWS and view != "live" else "", **more}
    asked = {name: value for name, value in asked.items() if value}
    return f"/alerts?{urlencode(asked)}" if asked else "/alerts"


async def _show(
    request: Request, page: Page, form: Form | None = None, *, problem: str = "", done: str = ""
) -> Response:
    done = done or request.query_params.get("done", "")
    view = (form.one("view") if form else "") or request.query_params.get("view", "")
    view = view if view in VIEWS else "live"
    mine = request.query_params.get("mine") == "true"
    found = await page.desk.get("/v1/alerts", state=list(VIEWS[view]), limit=_MOST, mine="true" if mine else None)
    asked = (form.one("alert") if form else request.query_params.get("alert", ""))[:_LONGEST_ID]
    first = await page.desk.find(path("v1", "alerts", asked)) if asked else None
    directory = await page.console.names.directory(page.desk)
    is_part = request.query_params.get("part") == "live" or request.headers.get("hx-request")
    return page.render(
        "alerts_live.html" if is_part else "alerts.html",
        # A part with a status other than 2xx would not be put into the page.
        status=HTTPStatus.CONFLICT if problem and not is_part else HTTPStatus.OK,
        alarms=[alarm(page, alert, directory) for alert in _with_first(first, in_order(found["items"]))],
        asked=asked,
        is_asked_missing=bool(asked) and first is None,
        is_part=is_part,
        more=found["next_cursor"] is not None,
        view=view,
        mine=mine,
        address=_address,
        problem=problem,
        done=done if done in ANSWERS else "",
        seen=_seen,
        colleagues=[FieldChoice(id_, directory.person(id_)) for id_ in directory.handlers],
        key=new_key,
    )


def _with_first(first: Mapping[str, Any] | None, others: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The alert that a mail leads to, whatever its state, before all others."""
    return list(others) if first is None else [first, *(each for each in others if each["id"] != first["id"])]
