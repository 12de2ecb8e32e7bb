"""The calculator on a calendar's page: so that a person can check what the system counts (issue: "with a pocket
calculator"). Nothing is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from services.console.forms import durations
from services.console.forms.values import Typed
from services.console.promises.calendar_forms import WEEKDAYS
from services.console.public_api.client import ApiProblem
from services.console.service import Page
from services.contracts.base import format_instant

ADD, SUBTRACT, BETWEEN = "add", "subtract", "between"
OPERATIONS = (ADD, SUBTRACT, BETWEEN)
_FIELDS = ("op", "at", "length", "until")
_NINE = 9


@dataclass(frozen=True)
class Sum:
    """A question and its answer as a sentence; empty where nothing was asked or it has none."""

    typed: Typed
    answer: str = ""


async def calculate(page: Page, asked: Mapping[str, str], calendar: Mapping[str, Any]) -> Sum:
    """Answer the question in the address, in the calendar's own zone; times without a question stand ready."""
    zone = ZoneInfo(calendar["time_zone"])
    if asked.get("op") not in OPERATIONS:
        return Sum(_ready(page, zone))
    given = {name: asked.get(name, "") for name in _FIELDS}
    try:
        check = _check(given, zone, page)
    except _Unreadable as unreadable:
        return Sum(_typed(given, {unreadable.field: unreadable.said}))
    body = {"calendar_id": calendar["id"], "version": calendar["version"], "checks": [check]}
    try:
        result = (await page.desk.post("/v1/calendars/evaluate", body))["results"][0]
    except ApiProblem as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return Sum(_typed(given, {}, [each.message for each in problem.errors] or [problem.detail]))
    return Sum(_typed(given, {}), _sentence(page, check, result, zone))


class _Unreadable(ValueError):
    """A field that cannot be read, and what to write instead."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(field)
        self.field = field
        self.said = said


def _ready(page: Page, zone: ZoneInfo) -> Typed:
    start = page.now.astimezone(zone).replace(hour=_NINE, minute=0)
    return _typed(
        {
            "op": ADD,
            "at": _local(start),
            "length": durations.written("PT2WH", page.words),
            "until": _local(start + timedelta(days=7)),
        },
        {},
    )


def _check(given: Mapping[str, str], zone: ZoneInfo, page: Page) -> dict[str, str]:
    at = _moment(given, "at", zone, page)
    if given["op"] == BETWEEN:
        return {"op": BETWEEN, "at": at, "until": _moment(given, "until", zone, page)}
    try:
        return {"op": given["op"], "at": at, "duration": durations.read(given["length"])}
    except ValueError as error:
        raise _Unreadable("length", page.words.text("policies.wrong_length")) from error


def _moment(given: Mapping[str, str], name: str, zone: ZoneInfo, page: Page) -> str:
    try:
        return format_instant(datetime.fromisoformat(given[name]).replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise _Unreadable(name, page.words.text("form.wrong.moment")) from error


def _sentence(page: Page, check: Mapping[str, str], result: Mapping[str, Any], zone: ZoneInfo) -> str:
    text, at = page.words.text, _shown(check["at"], zone, page)
    if check["op"] == BETWEEN:
        length = durations.written(f"PT{int(result['seconds'])}WS", page.words)
        return text("calculator.between", at=at, until=_shown(check["until"], zone, page), length=length)
    length = durations.written(check["duration"], page.words)
    return text(f"calculator.{check['op']}", at=at, length=length, result=_shown(result["at"], zone, page))


def _shown(iso: str, zone: ZoneInfo, page: Page) -> str:
    local = datetime.fromisoformat(iso).astimezone(zone)
    weekday = page.words.of("weekday", WEEKDAYS[local.weekday()])
    return f"{local:%Y-%m-%d} {weekday} {local:%H:%M}" + (f":{local:%S}" if local.second else "")


def _local(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def _typed(given: Mapping[str, str], errors: Mapping[str, str], general: list[str] | None = None) -> Typed:
    return Typed({name: [value] for name, value in given.items()}, errors, general or [])
