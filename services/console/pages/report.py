"""The satisfaction report: D0's table 2 with its charts; every number leads to the surveys behind it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response

from services.console.periods import NAMES, Period, month_of, months_of, period_of, year_until
from services.console.public_api.directory_names import KnownDirectory
from services.console.service import Page, PageDep
from services.console.shell.routes import page_router
from services.contracts.vocabulary import Category, Channel, Kind
from services.runtime.errors import ValidationFailed

router = page_router()
BY = ("dimension", "department", "category", "product_model", "owner", "channel", "month")
FILTERS = ("department", "owner", "category", "kind", "channel", "product_model")
_NARROWED = ("score", "low", "state", "counted", "not_sent_reason")
"""What narrows the surveys to those of one number, and the report not at all."""
_LISTED = (*FILTERS, "dimension", *_NARROWED)
_SCORES: Mapping[str, Sequence[int]] = {"share_1_2": (1, 2), "share_3_4": (3, 4), "share_5": (5,)}
_PER_PAGE = 50
Params = dict[str, str | int | list[str]]


@dataclass(frozen=True)
class ReportLine:
    """A row of the table, with the address of its surveys and of those that gave certain scores."""

    name: str
    row: Mapping[str, Any]
    address: str
    scored: Mapping[str, str]


@router.get("/reports/satisfaction")
async def show_report(request: Request, page: PageDep) -> Response:
    """Report what customers answered in a period, by what the address asks for."""
    asked = dict(request.query_params)
    by = asked.get("by", "dimension")
    by = by if by in BY else "dimension"
    period = _period(page, asked)
    filters = _filters(request)
    directory = await page.console.names.directory(page.desk)
    report = await page.desk.get("/v1/reports/satisfaction", by=by, **_span(period), **filters)
    year = year_until(period.end)
    monthly = await page.desk.get("/v1/reports/satisfaction", by="month", quotations=0, **_span(year), **filters)
    averages = {month["key"]: month["average"] for month in monthly["items"]}
    lines = [_line(page, directory, by, row, period, filters) for row in report["items"]]
    return page.render(
        "report.html",
        by=by,
        period=period,
        periods=NAMES,
        lines=lines,
        summary=report["summary"],
        surveys=lambda **more: _surveys(period, filters, **more),
        quotations=_quotations(report["items"]) if by == "dimension" else [],
        filters=filters,
        choices=_choices(page, directory),
        figures=json.dumps(
            _figures(page, lines, {key: averages.get(key) for key in months_of(year)}), ensure_ascii=False
        ),
    )


@router.get("/reports/satisfaction/surveys")
async def list_surveys(request: Request, page: PageDep) -> Response:
    """The surveys behind a number."""
    asked = dict(request.query_params)
    period = _period(page, asked)
    narrowed: Params = {name: values for name in _LISTED if (values := request.query_params.getlist(name))}
    cursor = asked.get("cursor") or None
    found = await page.desk.get("/v1/surveys", limit=_PER_PAGE, cursor=cursor, **_span(period), **narrowed)
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    following = found["next_cursor"]
    return page.render(
        "report_surveys.html",
        surveys=found["items"],
        period=period,
        directory=await page.console.names.directory(page.desk),
        back=f"/reports/satisfaction?{urlencode([pair for pair in kept if pair[0] not in _NARROWED])}",
        next_address=f"{request.url.path}?{urlencode([*kept, ('cursor', following)])}" if following else None,
    )


def _period(page: Page, asked: Mapping[str, str]) -> Period:
    today = page.now.astimezone(ZoneInfo(page.console.settings.time_zone)).date()
    try:
        return period_of(asked, today)
    except (ValueError, OverflowError):
        raise ValidationFailed.at(
            "/from",
            "invalid_period",
            {
                "en": "choose a day to begin with, and a later one that is not included any more",
                "zh": "请选择起始日期，以及更晚的、不再包含在内的结束日期",
            },
        ) from None


def _filters(request: Request) -> Params:
    held = {name: [value for value in request.query_params.getlist(name) if value] for name in FILTERS}
    return {name: values for name, values in held.items() if values}


def _span(period: Period) -> Params:
    return {"from": period.first.isoformat(), "to": period.end.isoformat()}


def _surveys(period: Period, filters: Mapping[str, Any], **more: Any) -> str:
    """The address of the surveys behind a number."""
    state = {} if "counted" in more else {"state": "answered"}
    asked = {**_span(period), **state, **filters, **more}
    return f"/reports/satisfaction/surveys?{urlencode(asked, doseq=True)}"


def _line(
    page: Page, directory: KnownDirectory, by: str, row: Mapping[str, Any], period: Period, filters: Mapping[str, Any]
) -> ReportLine:
    key = row["key"]
    if by == "month":
        period = month_of(str(key)).within(period)
    elif key is not None:
        filters = {**filters, by: key}
    name = str(key) if by == "month" else _name(page, directory, by, key)
    scored = {share: _surveys(period, filters, score=scores) for share, scores in _SCORES.items()}
    return ReportLine(name, row, _surveys(period, filters), scored)


def _quotations(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Suggestions of customers, each once: a suggestion is about the whole, and every dimension quotes the same."""
    return list(dict.fromkeys(text for row in rows for text in row["quotations"]))


def _name(page: Page, directory: KnownDirectory, by: str, key: str | None) -> str:
    if key is None:
        return page.words.text("report.none_such")
    if by == "department":
        return directory.department(key)
    if by == "owner":
        return directory.person(key)
    return page.words.of(by, key) if by in {"dimension", "category", "channel"} else key


def _choices(page: Page, directory: KnownDirectory) -> dict[str, list[tuple[str, str]]]:
    words = page.words
    return {
        "department": [(id_, str(each["name"])) for id_, each in directory.departments.items()],
        "category": [(code.value, words.of("category", code)) for code in Category],
        "kind": [(code.value, words.of("kind", code)) for code in Kind],
        "channel": [(code.value, words.of("channel", code)) for code in Channel],
    }


def _figures(page: Page, lines: Sequence[ReportLine], averages: Mapping[str, float | None]) -> dict[str, Any]:
    """Figures for the charts; the tables say the same."""
    shown = [line for line in lines if line.row["count"]]
    words = page.words
    return {
        "words": [words.text(f"report.{name}") for name in ("share_1_2", "share_3_4", "share_5", "average")],
        "names": [line.name for line in shown],
        "shares": [[line.row[name] for line in shown] for name in ("share_1_2", "share_3_4", "share_5")],
        "months": list(averages),
        "averages": list(averages.values()),
    }
