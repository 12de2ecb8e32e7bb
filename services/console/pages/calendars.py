"""Calendars: which there are, and each as a year to look at, to click and to calculate on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response

from services.console.forms.values import Typed, refused
from services.console.promises import calculator, calendar_forms, catalogue, drafts
from services.console.promises.calendar_differences import differences
from services.console.promises.calendar_year import CalendarYear, days_left, usual_hours
from services.console.promises.drafts import is_outdated, is_stale, refusal, require
from services.console.public_api.client import path
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router, see_other, see_said
from services.contracts.permissions import Action
from services.runtime.errors import MalformedRequest, NotFound
from services.runtime.pages.forms import Form, read_form

router = page_router()
KIND = "calendars"
FIRST_YEAR, LAST_YEAR = 1970, 2100
_SOON_DAYS = 60
_NEW_ZONE = "Asia/Shanghai"

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Listed:
    """A calendar in the list. `days_left` counts to its last announced day; `used_by` are policies by their title."""

    calendar: Item
    days_left: int | None
    used_by: list[tuple[str, str]]

    @property
    def ends_soon(self) -> bool:
        """Whether the announced days end within two months, or have ended."""
        return self.days_left is not None and self.days_left <= _SOON_DAYS


@dataclass(frozen=True)
class Shown:
    """Contents of a calendar's page besides the calendar: the form of a day, what was stored, what was refused."""

    typed: Typed | None = None
    done: str = ""
    stale: bool = False
    notes: list[Item] = field(default_factory=list)


@router.get("/calendars")
async def list_calendars(page: PageDep) -> Response:
    """Every calendar, and what uses it."""
    require(page, Action.READ_CALENDAR)
    return await _list(page)


@router.post("/calendars")
async def add_calendar(request: Request, page: PageDep) -> Response:
    """Make a draft under a new id: a copy of another calendar, or one that is never open."""
    require(page, Action.WRITE_CALENDAR)
    form = await read_form(request)
    draft: dict[str, Any] = {"time_zone": _NEW_ZONE}
    if like := form.one("like"):
        draft = calendar_forms.draft_of(await page.desk.get(path("v1", KIND, like)))
    if wrong := await drafts.add(page, KIND, form, draft):
        return await _list(page, form=form, wrong=wrong)
    return see_other(f"{path(KIND, form.one('id'))}/edit")


@router.get("/calendars/{calendar_id}")
async def show_calendar(
    request: Request, page: PageDep, calendar_id: str, version: int | None = None, done: str = ""
) -> Response:
    """A year of a calendar; with `day`, the form of that day."""
    require(page, Action.READ_CALENDAR)
    return await show(request, page, calendar_id, Shown(done=done), version)


@router.post("/calendars/{calendar_id}/day")
async def write_day(request: Request, page: PageDep, calendar_id: str) -> Response:
    """Store the next version as a draft, with one day or several in a row as the form says."""
    require(page, Action.WRITE_CALENDAR)
    form = await read_form(request)
    day = _date(form.one("day"))
    if day is None:
        raise MalformedRequest
    latest = await page.desk.get(path("v1", KIND, calendar_id))
    draft, typed = calendar_forms.with_day(latest, day, form, page.words)
    if is_outdated(form, latest):
        return await show(request, page, calendar_id, Shown(typed, stale=True), day=day)
    if typed.errors:
        return await show(request, page, calendar_id, Shown(typed), day=day)
    problem = await refusal(page.desk.put(path("v1", KIND, calendar_id), draft, version=latest["version"]))
    if problem:
        typed = refused(form, problem.errors, calendar_forms.day_field)
        return await show(request, page, calendar_id, Shown(typed, stale=is_stale(problem)), day=day)
    return see_said(f"{path(KIND, calendar_id)}?year={day.year}&day={day}&done=day")


@router.get("/calendars/{calendar_id}/compare")
async def compare_versions(request: Request, page: PageDep, calendar_id: str) -> Response:
    """Two versions of a calendar side by side."""
    require(page, Action.READ_CALENDAR)
    found = await catalogue.compared(request, page, KIND, calendar_id)
    lines = differences(found["before"], found["after"], page.words)
    return page.render("version_compare.html", kind=KIND, lines=lines, **found)


async def show(
    request: Request,
    page: Page,
    calendar_id: str,
    shown: Shown,
    version: int | None = None,
    day: date | None = None,
) -> Response:
    """The page of one calendar; answered with 422 or 409 where something was refused."""
    latest, calendar = await catalogue.latest_and(page, KIND, calendar_id, version)
    versions = await catalogue.versions(page, KIND, latest)
    published = catalogue.published(versions)
    today = page.now.astimezone(ZoneInfo(calendar["time_zone"])).date()
    chosen = day or _date(request.query_params.get("day", ""))
    number = _year(request.query_params.get("year", ""), chosen or today)
    found = await page.desk.get(f"{path('v1', KIND, calendar_id)}/days", year=number, version=calendar["version"])
    year = CalendarYear(found, page.words, today)
    may_write = Action.WRITE_CALENDAR in page.reader.allowed
    return page.render(
        "calendar.html",
        status=(shown.typed or Typed()).status(stale=shown.stale),
        calendar=calendar,
        latest=latest,
        versions=versions,
        published=published,
        unpublished=await _unpublished(page, calendar, published),
        year=year,
        today=today.isoformat(),
        chosen=year.day(chosen.isoformat()) if chosen else None,
        chosen_date=year.date(chosen) if chosen else "",
        day_form=shown.typed or (_standing(calendar, chosen) if chosen else Typed()),
        days_left=days_left(year.official_until, today),
        sum=await calculator.calculate(page, request.query_params, calendar),
        shown=shown,
        directory=await page.console.names.directory(page.desk),
        may_write=may_write and calendar["version"] == latest["version"],
        may_publish=may_write,
        years=(FIRST_YEAR, LAST_YEAR),
        **await catalogue.heading(page, calendar),
    )


def _standing(calendar: Item, day: date) -> Typed:
    return calendar_forms.standing_day(calendar, day.isoformat(), usual_hours(calendar, day))


async def _unpublished(page: Page, calendar: Item, published: int | None) -> list[Any]:
    """Changes that publishing this version would make to the calendar; none where there is none to compare with."""
    if published is None or published == calendar["version"]:
        return []
    before = await page.desk.get(path("v1", KIND, calendar["id"]), version=published)
    return differences(before, calendar, page.words)


async def _list(page: Page, *, form: Form | None = None, wrong: Any = ()) -> Response:
    reading = await catalogue.reading(page)
    calendars = await page.desk.items("/v1/calendars")
    policies = await page.desk.items("/v1/policies")
    uses = {each["id"]: _uses(each["id"], policies, reading) for each in calendars}
    return page.render(
        "calendars.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        listed=[_listed(page, each, uses[each["id"]]) for each in calendars],
        title_of=reading.title,
        may_write=Action.WRITE_CALENDAR in page.reader.allowed,
        form=form or Form(),
        wrong=wrong,
        tabs=catalogue.tabs(page),
    )


def _listed(page: Page, calendar: Item, used_by: list[tuple[str, str]]) -> Listed:
    today = page.now.astimezone(ZoneInfo(calendar["time_zone"])).date()
    return Listed(calendar, days_left(calendar["official_until"], today), used_by)


def _uses(calendar: str, policies: list[Any], reading: Any) -> list[tuple[str, str]]:
    """The policies that count on a calendar, with the departments that do so in them: address and words."""
    found = []
    for policy in policies:
        departments = [who for who, its in reading.department_calendars(policy) if its == calendar]
        if policy["calendar"] == calendar:
            found.append((path("policies", policy["id"]), reading.title(policy)))
        elif departments:
            found.append((path("policies", policy["id"]), f"{reading.title(policy)} ({', '.join(departments)})"))
    return found


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date() if text else None  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def _year(text: str, near: date) -> int:
    asked = int(text) if text.isascii() and text.isdigit() and len(text) == len("2026") else near.year
    if not FIRST_YEAR <= asked <= LAST_YEAR:
        raise NotFound
    return asked
