"""Endpoints of alerts for other services, on the internal port."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import RaiseAlert, RatingCorrected, Threshold
from services.notify.alerts import ratings
from services.notify.service import NotifyDep
from services.runtime.errors import ValidationFailed
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import PeerDep

router = APIRouter(include_in_schema=False)


@router.get("/internal/ladders")
async def list_ladder_versions(notify: NotifyDep, _: PeerDep) -> dict[str, Any]:
    """Name the ladders that there are, each with its latest version: policies may name no others."""
    async with notify.resources.database.read() as connection:
        found = await notify.alerts.ladders.in_use(connection)
    return {"items": [{"id": each.id, "version": each.version} for each in found.values()]}


@router.post("/internal/alerts")
async def raise_alert(
    request: Request, notify: NotifyDep, peer: PeerDep, asked: Annotated[RaiseAlert, Body()]
) -> Response:
    """Raise an alert of a low rating; safe to repeat. What clocks raise comes from the journal alone.

    503 while the feed has not told of the ticket yet: ask again.
    """
    if asked.threshold is not Threshold.LOW_RATING or asked.clock is not None:
        raise ValidationFailed.at(
            "/threshold",
            "not_a_rating",
            {"en": "alerts of clocks are raised from the journal", "zh": "时钟的提醒由日志产生"},
        )

    async def work(connection: AsyncConnection) -> HttpAnswer:
        return HttpAnswer({"id": await notify.alerts.consumer.raise_low_rating(connection, asked)})

    return await notify.idempotency.once(request, peer, work)


@router.post("/internal/alerts/ratings-corrected", status_code=204)
async def resolve_corrected_rating(asked: RatingCorrected, _: PeerDep, notify: NotifyDep) -> None:
    """Resolve the alert of a low rating that its customer has corrected upwards; without one nothing happens."""
    async with notify.resources.database.begin() as connection:
        await ratings.correct(connection, asked)
