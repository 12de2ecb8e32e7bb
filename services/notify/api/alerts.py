"""HTTP of alerts: what is open, who was told, who is told next, and the answers (api.md)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to
from services.contracts.base import Instant, Message, Text
from services.contracts.permissions import Action
from services.notify.alerts import actions
from services.notify.alerts.actions import LONGEST_SNOOZE
from services.notify.alerts.queries import AlertFilters
from services.notify.alerts.service import Change
from services.notify.alerts.views import AlertPage, AlertView
from services.notify.service import Notify, NotifyDep
from services.runtime.errors import ValidationFailed
from services.runtime.http.conditions import etag, if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.postgres.idempotency import HttpAnswer as Remembered
from services.runtime.security.auth import Caller

router = APIRouter(tags=["alerts"])

AlertReader = Annotated[Caller, Depends(allowed_to(Action.READ_ALERT))]
Entitled = Annotated[Caller, Depends(allowed_to(Action.ANSWER_ALERT))]
_ANSWERED: dict[str, Any] = {"response_model": AlertView, "responses": VERSIONED, "openapi_extra": CONDITIONAL}


async def _answerer(notify: NotifyDep, caller: Entitled, alert_id: str) -> Caller:
    """The caller, who may answer this alert: asked before the body is looked at."""
    await notify.alerts.require_reach(caller, alert_id, Action.ANSWER_ALERT)
    return caller


Answerer = Annotated[Caller, Depends(_answerer)]


class Acknowledge(Message):
    """Take an alert."""


class Snooze(Message):
    """Let an alert rest."""

    until: Instant = Field(description="In the future, at most 7 days ahead; then the ladder goes on.")


class HandOver(Message):
    """The person to hand an alert over to."""

    staff: str = Field(min_length=1, max_length=200, description="Id or user name of a colleague.")


class Resolve(Message):
    """End an alert."""

    note: Text | None = Field(default=None, description="What was done; shown to those who may read notes.")


@router.get("/v1/alerts", response_model=AlertPage)
async def list_alerts(notify: NotifyDep, caller: AlertReader, filters: Annotated[AlertFilters, Query()]) -> AlertPage:
    """List the alerts of the tickets that you may read, newest first, with who was told and who is told next."""
    views, following, position = await notify.alerts.page(caller, filters)
    return AlertPage(items=tuple(views), next_cursor=following, position=position)


@router.get("/v1/alerts/stream", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_alerts(
    request: Request,
    notify: NotifyDep,
    caller: AlertReader,
    last_event_id: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Follow the alerts of the tickets that you may read, as server-sent events.

    Each event `alert` is an alert as `GET /v1/alerts/{alert_id}` shows it, sent whenever it has changed; its `id` is
    where to go on after an interruption (`Last-Event-ID`). Without one the stream begins now; with a list's `position`
    it begins where the list was read. It ends when the sign-in does; sign in again and go on.
    """
    return await notify.alert_streams.open(request, caller, last_event_id)


@router.get("/v1/alerts/{alert_id}", response_model=AlertView, responses=VERSIONED)
async def read_alert(notify: NotifyDep, caller: AlertReader, alert_id: str) -> Response:
    """Show one alert; `ETag` is its version."""
    return versioned(await notify.alerts.show(caller, alert_id))


@router.post("/v1/alerts/{alert_id}/acknowledge", **_ANSWERED)
async def acknowledge_alert(
    request: Request, notify: NotifyDep, caller: Answerer, alert_id: str, _: Annotated[Acknowledge, Body()]
) -> Response:
    """Take an alert: the ladder stops until the acknowledgement expires (4 h by default)."""

    async def change(connection: AsyncConnection, row: RowMapping, _ticket: object) -> RowMapping:
        return await actions.acknowledge(connection, row, caller.id, datetime.now(UTC))

    return await _answer(request, notify, caller, alert_id, change)


@router.post("/v1/alerts/{alert_id}/snooze", **_ANSWERED)
async def snooze_alert(
    request: Request, notify: NotifyDep, caller: Answerer, alert_id: str, snooze: Annotated[Snooze, Body()]
) -> Response:
    """Let an alert rest until an instant; then the ladder goes on with its next step."""

    async def change(connection: AsyncConnection, row: RowMapping, _ticket: object) -> RowMapping:
        _require_bounded(snooze.until)
        return await actions.snooze(connection, row, snooze.until)

    return await _answer(request, notify, caller, alert_id, change)


@router.post("/v1/alerts/{alert_id}/hand-over", **_ANSWERED)
async def hand_over_alert(
    request: Request, notify: NotifyDep, caller: Answerer, alert_id: str, to: Annotated[HandOver, Body()]
) -> Response:
    """Hand an alert over to a colleague, who is told at once. If they do not acknowledge it, the ladder goes on."""
    change = await notify.alerts.handing_over(to.staff, datetime.now(UTC))
    return await _answer(request, notify, caller, alert_id, change)


@router.post("/v1/alerts/{alert_id}/resolve", **_ANSWERED)
async def resolve_alert(
    request: Request, notify: NotifyDep, caller: Answerer, alert_id: str, given: Annotated[Resolve, Body()]
) -> Response:
    """End an alert by hand. The breach stays on record and the clock runs on; nobody else is told of it.

    An alert ends by itself when its clock is met or cancelled, or when the ticket is closed.
    """

    async def change(connection: AsyncConnection, row: RowMapping, _ticket: object) -> RowMapping:
        return await actions.resolve(connection, row, caller.id, given.note, datetime.now(UTC))

    return await _answer(request, notify, caller, alert_id, change)


async def _answer(request: Request, notify: Notify, caller: Caller, alert_id: str, change: Change) -> JSONResponse:
    expected = if_match(request)

    async def work(connection: AsyncConnection) -> Remembered:
        view = await notify.alerts.answer(connection, caller, alert_id, change, expected)
        return Remembered(view.model_dump(mode="json"), headers={"ETag": etag(view.version)})

    return await notify.idempotency.once(request, caller, work)


def _require_bounded(until: datetime) -> None:
    now = datetime.now(UTC)
    if until <= now:
        raise ValidationFailed.at(
            "/until", "not_in_the_future", {"en": "give an instant in the future", "zh": "请填写将来的时间"}
        )
    if until > now + LONGEST_SNOOZE:
        raise ValidationFailed.at(
            "/until", "too_far", {"en": "an alert rests for 7 days at most", "zh": "提醒最多暂停 7 天"}
        )
