"""HTTP of calendars: versions, drafts and publication, their days, files in and out, and the calculator (api.md)."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from services.access.rights import allowed_to
from services.contracts.base import Code
from services.contracts.permissions import Action
from services.promises.days import FIRST_YEAR, LAST_YEAR
from services.promises.evaluate import EvaluateRequest, EvaluateResponse
from services.promises.ical_notes import says
from services.promises.ical_reader import Imported, Note
from services.runtime.errors import UnsupportedMediaType, ValidationFailed
from services.runtime.http.conditions import if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.http.paging import CursorQuery, LimitQuery, page, page_of
from services.runtime.http.problems import preferred_language
from services.runtime.http.yaml_routes import faults_of
from services.runtime.security.auth import Caller
from services.workflow.policies import calendar_schemas as answers
from services.workflow.policies.calendars import TURNS
from services.workflow.policies.policy_schemas import Differences
from services.workflow.service import TicketsDep

router = APIRouter(tags=["promises"])

CalendarReader = Annotated[Caller, Depends(allowed_to(Action.READ_CALENDAR))]
CalendarWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_CALENDAR))]
Publish = Annotated[bool, Query(description="Clocks that start from now on use it.")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest by default.")]
Year = Annotated[int, Query(ge=FIRST_YEAR, le=LAST_YEAR)]
OptionalYear = Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)]

ICAL = "text/calendar"
MOST_YEARS = 30
_ICAL = re.compile(r"\s*text/calendar\s*(?:;.*)?", re.IGNORECASE)
_FILES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"JSON as it was exported, or an iCalendar file with `Content-Type: {ICAL}`.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CalendarBody"}}},
    }
}
# One content: a client that is generated reads every answer as the first that it is told of.
_FILE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {ICAL: {"schema": {"type": "string"}}},
        "description": "The file; with `format=json` it is `application/json`, as import takes it.",
    }
}


@router.get("/v1/calendars", response_model=answers.CalendarPage)
async def list_calendars(
    tickets: TicketsDep, _: CalendarReader, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the latest version of every calendar."""
    shown = [calendar.model_dump(mode="json") for calendar in await tickets.calendars.register.calendars()]
    return JSONResponse(page_of(shown, lambda item: str(item["id"]), limit, cursor))


@router.get("/v1/calendars/{calendar_id}", response_model=answers.RegisteredCalendar, responses=VERSIONED)
async def read_calendar(tickets: TicketsDep, _: CalendarReader, calendar_id: str, version: Version = None) -> Response:
    """Show one version of a calendar."""
    return versioned(await tickets.calendars.register.calendar(calendar_id, version))


@router.get("/v1/calendars/{calendar_id}/versions", response_model=answers.CalendarVersions)
async def list_calendar_versions(
    tickets: TicketsDep, _: CalendarReader, calendar_id: str, limit: LimitQuery = 50, cursor: CursorQuery = None
) -> Response:
    """List the versions of a calendar, the latest first."""
    shown = [version.model_dump(mode="json") for version in await tickets.calendars.register.versions(calendar_id)]
    return JSONResponse(page_of(shown, lambda item: str(item["version"]), limit, cursor))


@router.get("/v1/calendars/{calendar_id}/compare", response_model=Differences)
async def compare_calendar_versions(
    tickets: TicketsDep,
    _: CalendarReader,
    calendar_id: str,
    older: Annotated[int, Query(alias="from", ge=1, le=2**31 - 1)],
    newer: Annotated[int, Query(alias="to", ge=1, le=2**31 - 1)],
) -> Response:
    """Show everything in which two versions of a calendar differ; what its country announces is no difference."""
    return JSONResponse(page(await tickets.calendars.compare(calendar_id, older, newer), None))


@router.get("/v1/calendars/{calendar_id}/days", response_model=answers.Days)
async def read_days(
    tickets: TicketsDep, _: CalendarReader, calendar_id: str, year: Year, version: Version = None
) -> Response:
    """Show a calendar's year day by day: what each day is, what it is called, and when it is worked."""
    return JSONResponse(await tickets.calendars.days(calendar_id, version, year))


@router.get(
    "/v1/calendars/{calendar_id}/export",
    response_class=Response,
    responses=_FILE_ANSWER,
    dependencies=[TURNS.of_question()],
)
async def export_calendar(
    request: Request,
    tickets: TicketsDep,
    _: CalendarReader,
    calendar_id: str,
    format: answers.ExportFormat = answers.ExportFormat.ICAL,  # noqa: A002 - the parameter's public name
    year_from: OptionalYear = None,
    year_to: OptionalYear = None,
    version: Version = None,
) -> Response:
    """Write a calendar as iCalendar, with the statutory days of some years (this one and the next by default), or as
    JSON. Import takes both back whole."""
    if format is answers.ExportFormat.JSON:
        return JSONResponse(await tickets.calendars.draft(calendar_id, version))
    years = _years(year_from, year_to)
    language = "zh-CN" if preferred_language(request.headers.get("accept-language")) == "zh" else "en"
    content = await tickets.calendars.write_file(calendar_id, version, years, language)
    return Response(content, media_type=f"{ICAL}; charset=utf-8")


@router.put(
    "/v1/calendars/{calendar_id}",
    response_model=answers.RegisteredCalendar,
    responses=VERSIONED,
    openapi_extra=CONDITIONAL,
)
async def put_calendar(
    request: Request,
    tickets: TicketsDep,
    caller: CalendarWriter,
    calendar_id: Code,
    draft: Annotated[answers.CalendarBody, Body()],
    publish: Publish = False,
) -> Response:
    """Store the next version of a calendar; with `publish=true` clocks that start from now on use it."""
    expected = if_match(request)
    return versioned(
        await tickets.calendars.put(calendar_id, draft.values(), publish=publish, if_match=expected, by=caller.id)
    )


@router.post(
    "/v1/calendars/{calendar_id}/import",
    response_model=answers.ImportedCalendar,
    dependencies=[TURNS.of_change()],
    openapi_extra={**CONDITIONAL, **_FILES},
)
async def import_calendar(
    request: Request, tickets: TicketsDep, caller: CalendarWriter, calendar_id: Code, publish: Publish = False
) -> Response:
    """Store the next version of a calendar from a file: what Bihuan exported is the whole calendar, and the holidays,
    make-up days and events of any other iCalendar file are added to the latest version. `notes` tell what was read, and
    what was passed over and why."""
    expected = if_match(request)
    language = preferred_language(request.headers.get("accept-language"))
    content = await request.body()
    if not hasattr(request.state, "json"):
        # What a repeat under the same key is compared with.
        request.state.json = {"sha256": hashlib.sha256(content).hexdigest()}

    async def work() -> dict[str, Any]:
        read = await _read(request, tickets, calendar_id, content)
        stored = await tickets.calendars.put(calendar_id, read.values, publish=publish, if_match=expected, by=caller.id)
        return {**stored.model_dump(mode="json"), "notes": [_told(note, language) for note in read.notes]}

    return await tickets.idempotency.once_computed(request, caller, work)


@router.post("/v1/calendars/evaluate", response_model=EvaluateResponse, dependencies=[TURNS.of_question()])
async def evaluate_calendar(
    request: Request, tickets: TicketsDep, caller: CalendarReader, ask: Annotated[EvaluateRequest, Body()]
) -> Response:
    """Calculate on a calendar given in the call, or a stored one; nothing is stored."""
    return await tickets.idempotency.once_computed(request, caller, lambda: tickets.calendars.evaluate(ask))


def _years(year_from: int | None, year_to: int | None) -> tuple[int, int]:
    first = year_from or datetime.now(UTC).year
    last = year_to or min(first + 1, LAST_YEAR)
    if last < first or last - first >= MOST_YEARS:
        raise ValidationFailed.at(
            "/year_to",
            "invalid_range",
            {
                "en": f"ask for 1 to {MOST_YEARS} years, the first one first",
                "zh": f"请查询 1 至 {MOST_YEARS} 年，起始年份在前",
            },
        )
    return first, last


async def _read(request: Request, tickets: TicketsDep, calendar_id: str, content: bytes) -> Imported:
    kind = request.headers.get("content-type", "")
    if _ICAL.fullmatch(kind):
        return await tickets.calendars.read_file(calendar_id, content)
    if "json" not in kind:
        raise UnsupportedMediaType
    try:
        body = answers.CalendarBody.model_validate(request.state.json)
    except ValidationError as error:
        language = request.headers.get("accept-language")
        raise ValidationFailed(faults_of(error.errors(), request.state.json, language)) from error
    return Imported(body.values(), [Note("calendar_read")])


def _told(note: Note, language: str) -> dict[str, Any]:
    return {name: getattr(note, name) for name in ("code", "count", "line", "summary")} | {
        "message": says(note, language)
    }
