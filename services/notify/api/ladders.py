"""HTTP of ladders: whom an alert tells, in versions, and what an alert would do (product.md 5)."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from services.access.directory_copy import Roll
from services.access.rights import allowed_to
from services.contracts.alert import Threshold
from services.contracts.base import Code, Instant, Message
from services.contracts.permissions import Action, may
from services.contracts.policy import DEFAULT_CALENDAR
from services.contracts.vocabulary import ClockName, Urgency
from services.notify.ladders.ladders import ladder_faults
from services.notify.ladders.preview import PlanQuestion, plan
from services.notify.ladders.schemas import (
    LadderBody,
    LadderPage,
    LadderPlan,
    LadderVersion,
    LadderVersions,
    LadderView,
    ladder_view,
)
from services.notify.service import NotifyDep
from services.runtime.errors import ValidationFailed
from services.runtime.http.conditions import if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.http.paging import CursorQuery, LimitQuery, page_of
from services.runtime.http.yaml_routes import TAKES_YAML, WrittenRoute
from services.runtime.security.auth import Caller

router = APIRouter(tags=["ladders"], route_class=WrittenRoute)

# A ladder is a part of what is promised: whoever reads or writes policies reads or writes it.
Reader = Annotated[Caller, Depends(allowed_to(Action.READ_POLICY))]
Writer = Annotated[Caller, Depends(allowed_to(Action.WRITE_POLICY))]
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them every step of a ladder lies in the calendar."""
VersionQuery = Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The latest without one.")]


class PlanQuery(Message):
    """The alert that might be raised."""

    version: VersionQuery = None
    threshold: Threshold = Threshold.BREACH
    clock: ClockName | None = None
    urgency: Urgency = Urgency.NORMAL
    department: Code | None = None
    owner: Annotated[
        str | None, Query(max_length=200, description="Id of the ticket's owner; else they stay unnamed.")
    ] = None
    calendar: Annotated[
        Code | None,
        Query(description="By which the ticket is promised; `cn`, that of the built-in packs, without one."),
    ] = None
    at: Annotated[Instant | None, Query(ge=EARLIEST, le=LATEST, description="When it is raised; now without one.")] = (
        None
    )


@router.get("/v1/ladders", response_model=LadderPage)
async def list_ladders(notify: NotifyDep, _: Reader, limit: LimitQuery = 50, cursor: CursorQuery = None) -> Response:
    """List the latest version of every ladder, by id."""
    async with notify.resources.database.read() as connection:
        found = await notify.alerts.ladders.in_use(connection)
    shown = [ladder_view(each).model_dump(mode="json") for each in found.values()]
    return JSONResponse(page_of(shown, lambda item: str(item["id"]), limit, cursor))


@router.get("/v1/ladders/{ladder_id}", response_model=LadderView, responses=VERSIONED)
async def read_ladder(notify: NotifyDep, _: Reader, ladder_id: Code, version: VersionQuery = None) -> Response:
    """Show one ladder: the latest version, or the one that is asked for."""
    async with notify.resources.database.read() as connection:
        return versioned(ladder_view(await notify.alerts.ladders.find(connection, ladder_id, version)))


@router.get("/v1/ladders/{ladder_id}/versions", response_model=LadderVersions)
async def list_ladder_versions(
    notify: NotifyDep, _: Reader, ladder_id: Code, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List who wrote which version of a ladder, newest first."""
    async with notify.resources.database.read() as connection:
        found = await notify.alerts.ladders.versions(connection, ladder_id)
    shown = [each.model_dump(mode="json", include=set(LadderVersion.model_fields)) for each in found]
    return JSONResponse(page_of(shown, lambda item: str(item["version"]), limit, cursor))


@router.put(
    "/v1/ladders/{ladder_id}",
    response_model=LadderView,
    responses=VERSIONED,
    openapi_extra={**CONDITIONAL, **TAKES_YAML},
)
async def put_ladder(
    request: Request, notify: NotifyDep, caller: Writer, ladder_id: Code, body: Annotated[LadderBody, Body()]
) -> Response:
    """Store the next version of a ladder: one entry of `ladders.yaml`, as JSON or as YAML; errors name the line.

    Alerts that are raised from now on climb it; those that climb keep theirs. What is in use already is not stored
    again.
    """
    if faults := ladder_faults(body):
        raise ValidationFailed([{"pointer": each.pointer, "code": each.code, "message": each.says} for each in faults])
    async with notify.resources.database.begin() as connection:
        stored = await notify.alerts.ladders.put(connection, ladder_id, body, by=caller.id, if_match=if_match(request))
    return versioned(ladder_view(stored))


@router.get("/v1/ladders/{ladder_id}/plan")
async def plan_ladder(
    notify: NotifyDep, caller: Reader, ladder_id: Code, asked: Annotated[PlanQuery, Query()]
) -> LadderPlan:
    """Tell who would be told when of an alert that nobody answers: with the people, shifts and hours as of today."""
    question = _question(asked)
    if asked.calendar and not await notify.alerts.candidates.knows(asked.calendar):
        raise ValidationFailed.at(
            "/calendar",
            "unknown_calendar",
            {"en": "no calendar of this id is published", "zh": "没有已发布的此编号日历"},
        )
    async with notify.resources.database.read() as connection:
        stored = await notify.alerts.ladders.find(connection, ladder_id, asked.version)
    roll = await notify.alerts.people.roll() if may(caller, Action.READ_DIRECTORY) else Roll()
    return await plan(notify.alerts.candidates, stored, question, roll)


def _question(asked: PlanQuery) -> PlanQuestion:
    of_a_clock = asked.threshold is not Threshold.LOW_RATING
    if of_a_clock and asked.clock is None:
        raise ValidationFailed.at(
            "/clock", "required", {"en": "say which clock is warned of or missed", "zh": "请填写预警或超时的时钟"}
        )
    if not of_a_clock and asked.clock is not None:
        raise ValidationFailed.at("/clock", "unexpected", {"en": "a low rating has no clock", "zh": "低分评价没有时钟"})
    values: dict[str, Any] = asked.model_dump(exclude={"version", "at", "calendar"})
    return PlanQuestion(**values, at=asked.at or datetime.now(UTC), calendar=asked.calendar or DEFAULT_CALENDAR)
