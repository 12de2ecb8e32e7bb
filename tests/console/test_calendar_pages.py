"""Calendars in the console: a year to look at and to click, drafts, files, and a calculator to check with."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from services.console.promises.calendar_differences import differences
from services.console.promises.calendar_forms import (
    day_field,
    draft_of,
    read,
    settings_field,
    standing_day,
    with_day,
    with_settings,
    written,
)
from services.console.promises.calendar_year import CalendarYear, days_left, usual_hours
from services.console.wording import WORDING
from services.runtime.pages.forms import Form
from tests.console.page_client import Html, PageClient, path_in
from tests.services.system import System, until

Visit = Callable[..., PageClient]
WORDS, ENGLISH = WORDING.speak("zh-CN"), WORDING.speak("en")
OFFICE = {"09:00": "12:00", "13:30": "18:00"}
CALENDAR: dict[str, Any] = {
    "id": "desk",
    "version": 3,
    "title": {"en": "Desk"},
    "time_zone": "Asia/Shanghai",
    "country": "CN",
    "official_until": None,
    "hours": {"mon": OFFICE},
    "shifts": {"2026-10-10": {"09:00": "18:00"}},
    "holidays": ["2026-10-08"],
    "breaks": {"2026-10-09": {"15:00": "16:00"}},
}


@pytest.mark.parametrize(
    "text",
    [
        "09:00-12:00, 13:30-18:00",
        "9:00–12:00、13:30~18:00",
        "09:00至12:00；13:30到18:00",
        "13：30—18：00 9:00 to 12:00",
    ],
)
def test_hours_are_read_as_people_write_them(text: str) -> None:
    assert read(text) == OFFICE
    assert read(written(read(text))) == OFFICE


@pytest.mark.parametrize("text", ["nine to five", "09:00", "09:00-12:00 or so", "9-12"])
def test_what_is_no_interval_is_refused_and_not_dropped(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        read(text)


def test_of_two_intervals_that_start_together_the_longer_counts() -> None:
    assert read("09:00-10:00, 09:00-12:00, 09:00-11:00") == {"09:00": "12:00"}


def test_a_draft_leaves_out_what_the_service_tells_of_a_version() -> None:
    draft = draft_of({**CALENDAR, "published_version": 2})
    assert set(draft) == {"title", "time_zone", "country", "hours", "shifts", "holidays", "breaks"}


def _form(**fields: str) -> Form:
    return Form(tuple(fields.items()))


def test_a_holiday_takes_the_place_of_a_shift_and_a_break_stays_if_it_is_said() -> None:
    form = _form(kind="holiday", hours="09:00-18:00", breaks="", until="2026-10-11")
    draft, typed = with_day(CALENDAR, date(2026, 10, 9), form, WORDS)
    assert not typed.errors
    assert draft["holidays"] == ["2026-10-08", "2026-10-09", "2026-10-10", "2026-10-11"]
    assert draft["shifts"] == {}
    assert draft["breaks"] == {}


def test_back_to_usual_forgets_what_the_calendar_itself_said_of_the_day() -> None:
    usual = _form(kind="usual", hours="", breaks="", until="")
    for day in (date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 10)):
        draft, _ = with_day(CALENDAR, day, usual, WORDS)
        said = {*draft["holidays"], *draft["shifts"], *draft["breaks"]}
        assert day.isoformat() not in said
        assert len(said) == 2


def test_a_working_day_needs_hours_and_may_have_several_intervals() -> None:
    none, typed = with_day(CALENDAR, date(2026, 10, 8), _form(kind="working", hours="", breaks=""), WORDS)
    assert typed.error("hours")
    assert none["holidays"] == []
    given = _form(kind="working", hours="09:00-12:00, 14:00-24:00", breaks="15:00-15:30")
    draft, typed = with_day(CALENDAR, date(2026, 10, 8), given, WORDS)
    assert not typed.errors
    assert draft["shifts"]["2026-10-08"] == {"09:00": "12:00", "14:00": "24:00"}
    assert draft["breaks"]["2026-10-08"] == {"15:00": "15:30"}


@pytest.mark.parametrize(
    ("until", "refused"),
    [("2026-10-07", True), ("2026-10-08", False), ("2026-12-08", False), ("2026-12-09", True), ("soon", True)],
)
def test_several_days_are_set_at_once_within_two_months(until: str, refused: bool) -> None:
    _, typed = with_day(CALENDAR, date(2026, 10, 8), _form(kind="holiday", until=until), WORDS)
    assert bool(typed.error("until")) == refused


@pytest.mark.parametrize(
    ("day", "kind"),
    [("2026-10-08", "holiday"), ("2026-10-09", "usual"), ("2026-10-10", "working"), ("2026-10-12", "usual")],
)
def test_the_form_of_a_day_begins_with_how_the_day_is(day: str, kind: str) -> None:
    assert standing_day(CALENDAR, day, OFFICE).has("kind", kind)


def test_a_day_off_begins_with_hours_that_it_could_have() -> None:
    assert usual_hours(CALENDAR, date(2026, 10, 10)) == OFFICE
    assert usual_hours({"hours": {}}, date(2026, 10, 10)) == {}


@pytest.mark.parametrize(("typed_until", "kept"), [("2026-12-31", None), ("2027-12-31", "2027-12-31")])
def test_another_country_does_not_keep_the_date_that_the_former_one_had_announced(
    typed_until: str, kept: str | None
) -> None:
    calendar = {**CALENDAR, "official_until": "2026-12-31"}
    form = _form(time_zone="Europe/Berlin", country="DE", official_until=typed_until)
    assert with_settings(calendar, form, WORDS)[0].get("official_until") == kept
    stays = _form(time_zone="Asia/Shanghai", country="CN", official_until="2026-12-31")
    assert with_settings(calendar, stays, WORDS)[0]["official_until"] == "2026-12-31"


def test_the_week_is_written_and_what_the_form_does_not_show_stays() -> None:
    form = _form(**{"hours.sat": "10:00-14:00", "time_zone": "Europe/Berlin", "country": "de", "title.en": "Berlin"})
    draft, typed = with_settings(CALENDAR, form, WORDS)
    assert not typed.errors
    assert draft["hours"] == {"sat": {"10:00": "14:00"}}
    assert (draft["country"], draft["title"]) == ("DE", {"en": "Berlin"})
    assert draft["shifts"] == CALENDAR["shifts"]
    assert "official_until" not in draft


def test_what_the_api_says_stands_at_its_field() -> None:
    assert day_field("/shifts/2026-10-10/09:00") == "hours"
    assert day_field("/breaks/2026-10-10/09:00") == "breaks"
    assert settings_field("/hours/mon/09:00") == "hours.mon"
    assert settings_field("/time_zone") == "time_zone"


def _days(**kinds: str) -> dict[str, Any]:
    def item(day: date) -> dict[str, Any]:
        kind = kinds.get(f"d{day:%m%d}", "open")
        name = {"zh-CN": "国庆节", "en": "National Day"} if kind == "holiday" else None
        hours = [] if kind in {"holiday", "closed"} else [["09:00", "12:00"], ["13:30", "18:00"]]
        return {"date": day.isoformat(), "kind": kind, "name": name, "hours": hours, "breaks": [], "own": False}

    first = date(2026, 1, 1).toordinal()
    days = [item(date.fromordinal(first + number)) for number in range(365)]
    return {"year": 2026, "official_until": "2026-12-31", "days": days}


def test_a_year_is_twelve_months_of_whole_weeks_with_every_day_once() -> None:
    months = CalendarYear(_days(), WORDS, date(2026, 11, 22)).months()
    assert [month.number for month in months] == list(range(1, 13))
    assert all(len(week) == 7 for month in months for week in month.weeks)
    days = [day for month in months for week in month.weeks for day in week if day]
    assert len(days) == 365
    assert [day.date for day in days if day.is_today] == ["2026-11-22"]


def test_a_day_says_in_words_what_its_colour_says() -> None:
    year = CalendarYear(_days(d1001="holiday", d1010="make_up"), WORDS, date(2026, 11, 22))
    holiday, make_up, usual = (year.day(f"2026-10-{day}") for day in ("01", "10", "12"))
    assert holiday is not None
    assert make_up is not None
    assert usual is not None
    assert (holiday.mark, holiday.label) == ("休", "10月1日 周四 · 国庆节 · 放假")
    assert (make_up.mark, usual.mark) == ("班", "")
    assert "09:00–12:00, 13:30–18:00" in usual.label
    english = CalendarYear(_days(d1001="holiday"), ENGLISH, date(2026, 11, 22)).day("2026-10-01")
    assert english
    assert english.label == "Thursday 1 October · National Day · holiday"


def test_the_totals_count_days_and_hours() -> None:
    totals = CalendarYear(_days(d1001="holiday", d1010="make_up", d1011="closed"), WORDS, date(2026, 11, 22)).totals()
    assert (totals.working_days, totals.hours) == (363, 363 * 7.5)
    assert (totals.holidays, totals.make_up) == (1, 1)


def test_days_until_due_times_become_provisional() -> None:
    assert days_left("2026-12-31", date(2026, 12, 31)) == 0
    assert days_left("2026-12-31", date(2027, 1, 1)) == -1
    assert days_left(None, date(2027, 1, 1)) is None


def test_only_what_differs_between_two_versions_is_told() -> None:
    after = {**CALENDAR, "holidays": [], "hours": {"mon": {"09:00": "17:00"}}, "breaks": {**CALENDAR["breaks"]}}
    lines = differences(CALENDAR, after, WORDS)
    assert [(line.label, line.after) for line in lines] == [("周一", "09:00–17:00"), ("2026-10-08", None)]
    assert differences(CALENDAR, CALENDAR, WORDS) == []


async def _made(admin: PageClient, identifier: str) -> str:
    """A calendar of the test's own, open on Mondays and Tuesdays, and its address."""
    form = (await admin.get("/calendars")).form("/calendars")
    await admin.send(form, id=identifier, like="", title__en=identifier)
    address = f"/calendars/{identifier}"
    edit = (await admin.get(f"{address}/edit")).form(f"{address}/edit")
    week = {"hours.mon": "09:00-12:00, 13:30-18:00", "hours.tue": "09:00-18:00", "country": "CN"}
    assert (await admin.post(edit.action, {**edit.filled(), **week})).status_code == 303
    return address


async def test_every_calendar_is_listed_with_what_uses_it(visit: Visit) -> None:
    async def is_seeded() -> bool:
        links = [href for href, _ in (await visit("李雷").get("/calendars")).links]
        return {"/calendars/cn", "/policies/d0-standard"} <= set(links)

    # What is built in is stored a moment after the start.
    await until(is_seeded)
    page = await visit("李雷").get("/calendars")
    assert "Asia/Shanghai" in page.text
    assert not page.has_form("/calendars")


async def test_a_year_is_shown_to_clerks_and_clicked_by_administrators(visit: Visit) -> None:
    page = await visit("李雷").get("/calendars/cn", year="2026", day="2026-10-01")
    assert "国庆节" in page.text
    assert sum("data-tip" in given for _, given in page.tags) == 365
    assert not page.has_form("/calendars/cn/day")
    assert (await visit("孙磊").get("/calendars/cn", year="2026", day="2026-10-01")).has_form("/calendars/cn/day")
    assert (await visit("李雷").post("/calendars/cn/day", {"day": "2026-10-01"})).status_code == 403


@pytest.mark.parametrize(("year", "status"), [("1969", 404), ("1970", 200), ("2100", 200), ("2101", 404)])
async def test_years_that_calendars_know(visit: Visit, year: str, status: int) -> None:
    assert (await visit("李雷").http.get("/calendars/cn", params={"year": year})).status_code == status


async def test_a_day_that_is_set_makes_a_draft_and_what_is_published_stays(system: System, visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "clicked")
    await system.insist(f"/v1{address}/publish", {}, by="孙磊")
    before = (await system.get(f"/v1{address}", by="孙磊"))["version"]
    form = (await admin.get(address, day="2026-12-28")).form(f"{address}/day")
    shown = await admin.send(form, kind="holiday", until="2026-12-29")
    assert "已存为草稿" in shown.text
    assert f"草稿第 {before + 1} 版与已发布的第 {before} 版的差别" in shown.text
    stored = await system.get(f"/v1{address}", by="孙磊")
    assert stored["holidays"] == ["2026-12-28", "2026-12-29"]
    assert stored["version"] == before + 1
    older = await admin.get(address, version=str(before), day="2026-12-28")
    assert not older.has_form(f"{address}/day")


async def test_the_slower_of_two_who_set_a_day_is_told_and_keeps_what_was_typed(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "raced")
    form = (await admin.get(address, day="2026-12-28")).form(f"{address}/day")
    await admin.send(form, kind="holiday")
    late = await admin.post(form.action, form.filled(kind="working", hours="10:00-11:00"))
    assert late.status_code == 409
    assert Html(late.text).form(f"{address}/day").filled()["hours"] == ["10:00-11:00"]


async def test_hours_that_cannot_be_read_or_stored_are_refused_at_their_field(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "wrong")
    form = (await admin.get(address, day="2026-12-28")).form(f"{address}/day")
    for hours in ("all day", "18:00-09:00"):
        answer = await admin.post(form.action, form.filled(kind="working", hours=hours))
        assert answer.status_code == 422
        assert any(given.get("id") == "f-hours-error" for _, given in Html(answer.text).tags)
    edit = (await admin.get(f"{address}/edit")).form(f"{address}/edit")
    answer = await admin.post(edit.action, edit.filled(time_zone="Mars/Sea", **{"hours.wed": "25:00-26:00"}))
    ids = {given.get("id") for _, given in Html(answer.text).tags}
    assert ids >= {"f-time_zone-error", "f-hours.wed-error"}


async def test_the_calculator_answers_as_the_system_counts(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "counted")
    asked: dict[str, Any] = {"op": "add", "at": "2026-11-23T17:30", "length": "2 工作小时"}
    assert "2026-11-23 周一 17:30 加 2 工作小时 = 2026-11-24 周二 10:30" in (await admin.get(address, **asked)).text
    back: dict[str, Any] = {"op": "subtract", "at": "2026-11-24T10:30", "length": "PT2WH"}
    assert "= 2026-11-23 周一 17:30" in (await admin.get(address, **back)).text
    span: dict[str, Any] = {"op": "between", "at": "2026-11-23T00:00", "until": "2026-11-25T00:00"}
    assert "有 16 工作小时 30 工作分钟" in (await admin.get(address, **span)).text
    wrong = await admin.get(address, op="add", at="2026-11-23T17:30", length="soon")
    assert any(given.get("id") == "f-length-error" for _, given in wrong.tags)


async def test_the_calculator_counts_on_the_version_that_is_shown(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "versions")
    form = (await admin.get(address, day="2026-11-24")).form(f"{address}/day")
    before = form.filled()["version"][0]
    await admin.send(form, kind="holiday")
    asked: dict[str, Any] = {"op": "add", "at": "2026-11-23T17:30", "length": "PT2WH"}
    assert "= 2026-11-30 周一 10:30" in (await admin.get(address, **asked)).text
    assert "= 2026-11-24 周二 10:30" in (await admin.get(address, version=before, **asked)).text


@pytest.mark.parametrize("format_", ["ical", "json"])
async def test_a_calendar_leaves_as_a_file_and_comes_back(visit: Visit, format_: str) -> None:
    admin = visit("孙磊")
    address = await _made(admin, f"filed-{format_}")
    form = (await admin.get(address, day="2026-12-28")).form(f"{address}/day")
    await admin.send(form, kind="holiday")
    file = await admin.http.get(f"{address}/export", params={"format": format_})
    assert file.status_code == 200
    assert "attachment" in file.headers["content-disposition"]
    again = await _made(admin, f"again-{format_}")
    origin = {"Origin": admin.url, "Sec-Fetch-Site": "same-origin"}
    files, looked_at = {"file": ("calendar", file.content)}, {"version": "2"}
    sent = await admin.http.post(f"{again}/import", files=files, data=looked_at, headers=origin)
    assert sent.status_code == 200
    assert "已导入为草稿" in Html(sent.text).text
    assert "放假" in (await admin.get(again, day="2026-12-28")).text
    late = await admin.http.post(f"{again}/import", files=files, data=looked_at, headers=origin)
    assert late.status_code == 409
    assert "role" in next(given for _, given in Html(late.text).tags if "say-warn" in (given.get("class") or ""))


async def test_a_file_that_is_no_calendar_is_refused_with_a_reason(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "unread")
    origin = {"Origin": admin.url, "Sec-Fetch-Site": "same-origin"}
    for content in (b"not a calendar", b'{"time_zone": "Mars/Sea"}'):
        files = {"file": ("x.ics", content)}
        sent = await admin.http.post(f"{address}/import", files=files, data={"version": "2"}, headers=origin)
        assert sent.status_code in {400, 422}
        assert any(given.get("role") == "alert" for _, given in Html(sent.text).tags)


async def test_two_versions_are_compared_in_words(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "compared")
    assert "2026-12-28" not in (await admin.get(f"{address}/compare")).text
    form = (await admin.get(address, day="2026-12-28")).form(f"{address}/day")
    await admin.send(form, kind="holiday")
    assert "2026-12-28" in (await admin.get(f"{address}/compare")).text
    assert "两个版本没有差别" in (await admin.get(f"{address}/compare?from=3&to=3")).text


async def test_a_draft_is_previewed_and_published(visit: Visit) -> None:
    admin = visit("孙磊")
    address = await _made(admin, "published")
    preview = await admin.get(f"{address}/preview")
    form = preview.form(f"{address}/publish")
    answer = await admin.post(form.action, form.filled(recalculate="false"))
    assert path_in(answer).startswith("/publications/")
    assert "没有策略使用" in (await admin.get("/calendars")).text
    assert "已发布" in (await admin.get(address)).text
