"""Changing a calendar: its week, zone and country in a form; whole calendars from files and into files."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from services.console.forms.values import Typed, beside, number, refused
from services.console.pages.calendars import FIRST_YEAR, KIND, LAST_YEAR, Shown, show
from services.console.promises import calendar_forms, catalogue
from services.console.promises.drafts import CORRECTABLE, is_outdated, is_stale, refusal, require, said
from services.console.public_api.client import ApiProblem, path
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_said
from services.contracts.permissions import Action
from services.runtime.errors import MalformedRequest
from services.runtime.pages.forms import read_form

router = page_router()
_MEDIA_TYPES: Mapping[str, str] = {"ical": "text/calendar", "json": "application/json"}
_MOST_BYTES = 1_000_000


@router.get("/calendars/{calendar_id}/edit")
async def show_settings(page: PageDep, calendar_id: str, version: int | None = None) -> Response:
    """The week, zone and country as a form; `version` begins with an older one."""
    require(page, Action.WRITE_CALENDAR)
    latest, calendar = await catalogue.latest_and(page, KIND, calendar_id, version)
    return await _form(page, latest, calendar, calendar_forms.standing(calendar))


@router.post("/calendars/{calendar_id}/edit")
async def write_settings(request: Request, page: PageDep, calendar_id: str) -> Response:
    """Store the next version as a draft, with the dates of version `like`; what is wrong stands at its field."""
    require(page, Action.WRITE_CALENDAR)
    form = await read_form(request)
    address = path("v1", KIND, calendar_id)
    latest = await page.desk.get(address)
    like = number(form.one("like"))
    calendar = latest if like is None else await page.desk.get(address, version=like)
    draft, typed = calendar_forms.with_settings(calendar, form, page.words)
    if is_outdated(form, latest):
        return await _outdated(page, latest, calendar, typed)
    if typed.errors:
        return await _form(page, latest, calendar, typed)
    problem = await refusal(page.desk.put(address, draft, version=latest["version"]))
    if is_stale(problem):
        return await _outdated(page, await page.desk.get(address), calendar, typed)
    if problem:
        return await _form(page, latest, calendar, refused(form, problem.errors, calendar_forms.settings_field))
    return see_said(f"{path(KIND, calendar_id)}?done=saved")


@router.post("/calendars/{calendar_id}/import")
async def read_file(request: Request, page: PageDep, calendar_id: str) -> Response:
    """Store what a file says as a draft, and tell what of it was passed over, and why."""
    require(page, Action.WRITE_CALENDAR)
    media_type, text, version = await _uploaded(request)
    address = path("v1", KIND, calendar_id, "import")
    try:
        stored = await page.desk.send_text("POST", address, text, media_type, version=version)
    except ApiProblem as problem:
        if problem.status not in CORRECTABLE:
            raise
        if is_stale(problem):
            return await show(request, page, calendar_id, Shown(stale=True))
        return await show(request, page, calendar_id, Shown(Typed(general=said(problem))))
    return await show(request, page, calendar_id, Shown(done="imported", notes=stored.get("notes") or []))


@router.get("/calendars/{calendar_id}/export")
async def write_file(
    page: PageDep,
    calendar_id: str,
    form: Annotated[str, Query(alias="format")] = "ical",
    year_from: int = 0,
    year_to: int = 0,
    version: int | None = None,
) -> Response:
    """The calendar as a file: iCalendar for other programs, JSON for another Bihuan."""
    require(page, Action.READ_CALENDAR)
    if form not in _MEDIA_TYPES:
        raise MalformedRequest
    this_year = page.now.astimezone(page.zone).year
    years = {
        "year_from": min(max(year_from or this_year, FIRST_YEAR), LAST_YEAR),
        "year_to": min(max(year_to or this_year + 1, FIRST_YEAR), LAST_YEAR),
    }
    address = path("v1", KIND, calendar_id, "export")
    content = await page.desk.file(address, format=form, **years, **({"version": version} if version else {}))
    ending = "ics" if form == "ical" else "json"
    headers = {
        "Content-Disposition": f'attachment; filename="{path(calendar_id)[1:]}.{ending}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[form])


async def _uploaded(request: Request) -> tuple[str, str, int | None]:
    """A file's media type by its first letter, its text, and the version that the form names, if it does."""
    try:
        async with request.form(max_files=1, max_fields=3) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or (file.size or 0) > _MOST_BYTES:
                raise MalformedRequest
            text = (await file.read()).decode("utf-8-sig")
            given = str(form.get("version", ""))
    except (HTTPException, UnicodeDecodeError) as error:
        raise MalformedRequest from error
    version = number(given)
    if given and version is None:
        raise MalformedRequest
    return _MEDIA_TYPES["json" if text.lstrip().startswith("{") else "ical"], text, version


async def _outdated(page: Page, latest: Mapping[str, Any], calendar: Mapping[str, Any], typed: Typed) -> Response:
    """The form as it was typed, beside what somebody stored meanwhile."""
    compared = beside(typed, calendar_forms.standing(latest))
    return await _form(page, latest, calendar, compared, stale=True)


async def _form(
    page: Page, latest: Mapping[str, Any], calendar: Mapping[str, Any], typed: Typed, *, stale: bool = False
) -> Response:
    return page.render(
        "calendar_form.html",
        status=typed.status(stale=stale),
        calendar=latest,
        like=calendar["version"],
        filled=typed,
        stale=stale,
        weekdays=calendar_forms.WEEKDAYS,
        zones=calendar_forms.ZONES,
        **await catalogue.heading(page, latest),
    )
