"""Calendars into iCalendar files and back, and what is read of the files that others publish."""

from datetime import UTC, date, datetime
from typing import Any

import icalendar
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.contracts.lines import one_line
from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendars import Calendar, CalendarErrors
from services.promises.ical_events import Why
from services.promises.ical_lines import MOST_EVENTS
from services.promises.ical_notes import says
from services.promises.ical_reader import MOST_RULES, Imported, Note, read_ical
from services.promises.ical_writer import write_ical
from tests.unit.promises.instants import WORKDAY, draft, local
from tests.unit.promises.test_promises_calendar_properties import situations

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()
WEEK = {"mon": WORKDAY, "tue": {"10:00": "16:00"}, "fri": {"09:00": "24:00"}}


def stored(**more: Any) -> StoredCalendar:
    """A Chinese calendar of three working days."""
    values = {"time_zone": "Asia/Shanghai", "hours": WEEK, "country": "CN", **more}
    return StoredCalendar(**values, id="desk", version=3)


def event(**properties: str) -> str:
    """One event; a property's parameters follow its name after `__`."""
    lines = [f"{name.replace('__', ';').replace('_', '-')}:{value}" for name, value in properties.items()]
    return "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])


def feed(*events: str, head: str = "X-WR-TIMEZONE:Asia/Shanghai") -> bytes:
    """A file of these events."""
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", head, *events, "END:VCALENDAR", ""]).encode()


def whole_day(day: str, **properties: str) -> str:
    """An event of dates."""
    return event(DTSTART__VALUE_DATE=day, **properties).replace("VALUE-DATE", "VALUE=DATE")


def imported(*events: str, base: StoredCalendar | None = None) -> Imported:
    """Import a file into a calendar."""
    return read_ical(feed(*events), base or stored(country=None), TODAY)


def passed_over(read: Imported) -> list[str]:
    """Reasons that events were passed over."""
    return [note.code for note in read.notes if note.code in set(Why)]


def again(calendar: StoredCalendar) -> StoredCalendar:
    """A calendar written and read."""
    read = read_ical(write_ical(calendar, (2026, 2027), "zh-CN", NOW), None, TODAY)
    return StoredCalendar(**read.values, id=calendar.id, version=calendar.version)


def test_an_export_reads_back_as_the_same_calendar() -> None:
    calendar = stored(
        title={"zh-CN": "总部, 上海；“客服”", "en": "HQ"},
        shifts={"2026-11-21": {"09:00": "12:00", "13:00": "24:00"}, "2026-11-25": {}},
        holidays=("2026-11-23", "2031-01-01"),
        breaks={"2026-11-27": {"10:00": "11:00"}},
        official_until="2027-12-31",
    )
    assert again(calendar) == calendar


HOSTILE = (
    "a\nb",
    "a\r\nBEGIN:VEVENT\r\nSUMMARY:b",
    'a,b;c:d\\n\\e"f\\',
    "a\u2028b\x0bc\x07\x85d\u202e",
    "张三 🧊" * 40,
    "\t",
    "^n^'",
)


@pytest.mark.parametrize("title", HOSTILE, ids=ascii)
def test_a_title_is_one_line_of_text_in_the_file_whatever_is_stored(title: str) -> None:
    calendar = stored().model_copy(update={"title": {"zh-CN": title, "en": title, 'x"\r\nY:z': "w", "": "v"}})
    content = write_ical(calendar, (2026, 2026), "en", NOW)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert lines.count(b"BEGIN:VEVENT") == write_ical(stored(), (2026, 2026), "en", NOW).count(b"BEGIN:VEVENT")
    shown = one_line(title)
    # The library hands on properties beyond the standard as they are written: escaped by RFC 5545, 3.3.11.
    escaped = shown.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    assert str(icalendar.Calendar.from_ical(content)["X-WR-CALNAME"]) == (escaped or "desk")
    assert read_ical(content, None, TODAY).values["title"] == ({"zh-CN": shown, "en": shown} if shown else {})


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_zones_and_their_hours_survive_the_file(zone: str) -> None:
    nights = {"sun": {"00:00": "03:00"}, "wed": {"23:59": "24:00"}}
    calendar = stored(time_zone=zone, hours=nights, country=None, breaks={"2026-03-08": {"01:30": "02:30"}})
    assert again(calendar) == calendar


@settings(max_examples=25, deadline=None)
@given(situations(), st.sampled_from([None, "CN", "DE"]))
def test_what_was_exported_and_imported_opens_on_every_day_as_before(
    situation: tuple[CalendarDraft, datetime], country: str | None
) -> None:
    calendar = StoredCalendar(**situation[0].model_dump(), id="desk", version=1, country=country)
    assume(situation[0].hours)
    before, after = Calendar.compile(calendar), Calendar.compile(again(calendar))
    since, until = datetime(2025, 12, 20, tzinfo=UTC), datetime(2028, 1, 10, tzinfo=UTC)
    assert list(before.openings(since, until)) == list(after.openings(since, until))


def test_another_program_sees_the_statutory_days_and_that_the_week_stops_on_them() -> None:
    file = icalendar.Calendar.from_ical(write_ical(stored(), (2026, 2026), "zh-CN", NOW))
    by_day = {each.start: str(each["SUMMARY"]) for each in file.events if not isinstance(each.start, datetime)}
    assert by_day[date(2026, 10, 1)] == "国庆节"
    friday = next(each for each in file.events if "FR" in str(each.get("RRULE", {}).get("BYDAY")))
    left_out = {at.date() for at in friday.exdates if isinstance(at, datetime)}
    assert date(2026, 10, 2) in left_out
    assert date(2026, 10, 9) not in left_out
    made_up = [each for each in file.events if each.start == local("2026-10-10 09:00")]
    assert [str(each["SUMMARY"]) for each in made_up] == ["调休上班"]


def test_days_of_dates_are_holidays_and_their_end_is_exclusive() -> None:
    read = imported(whole_day("20261224", DTEND="20261227", SUMMARY="Christmas"), whole_day("20270101", SUMMARY="NY"))
    assert read.values["holidays"] == ("2026-12-24", "2026-12-25", "2026-12-26", "2027-01-01")
    assert read.notes == [Note("holidays_read", 4)]


def test_marks_tell_make_up_days_from_holidays_and_from_mere_names() -> None:
    read = imported(
        whole_day("20261001", DTEND="20261004", SUMMARY="国庆节（休）"),
        whole_day("20261010", SUMMARY="国庆节（班）"),
        whole_day("20260920", SUMMARY="国庆节 补班 第1天/共2天"),
        whole_day("20261225", SUMMARY="圣诞节"),
        whole_day("20260214", SUMMARY="退休职工日"),
    )
    assert read.values["holidays"] == ("2026-10-01", "2026-10-02", "2026-10-03")
    assert read.values["shifts"] == {"2026-09-20": WORKDAY, "2026-10-10": WORKDAY}
    assert passed_over(read) == [Why.NO_MARK, Why.NO_MARK]


def test_apples_special_days_are_understood() -> None:
    off, on = {"X_APPLE_SPECIAL_DAY": "WORK-HOLIDAY"}, {"X_APPLE_SPECIAL_DAY": "ALTERNATE-WORKDAY"}
    read = imported(
        whole_day("20261002", SUMMARY="国庆节", **off),
        whole_day("20261010", SUMMARY="国庆节", **on),
        whole_day("20261111", SUMMARY="立冬", X_APPLE_SPECIAL_DAY="TRUE"),
    )
    assert (read.values["holidays"], list(read.values["shifts"])) == (("2026-10-02",), ["2026-10-10"])
    assert passed_over(read) == [Why.NO_MARK]


def test_googles_holidays_are_read_though_they_are_transparent_and_observances_are_not() -> None:
    read = imported(
        whole_day("20261225", SUMMARY="Christmas Day", TRANSP="TRANSPARENT", DESCRIPTION="Public holiday"),
        whole_day("20261224", SUMMARY="Christmas Eve", TRANSP="TRANSPARENT", DESCRIPTION="Observance\\nTo hide ..."),
    )
    assert read.values["holidays"] == ("2026-12-25",)
    assert passed_over(read) == [Why.OBSERVANCE]


def test_outlooks_days_are_read_though_they_are_written_as_times() -> None:
    read = imported(
        event(
            DTSTART__TZID_China_Standard_Time="20261224T000000",
            DTEND__TZID_China_Standard_Time="20261225T000000",
            X_MICROSOFT_CDO_ALLDAYEVENT="TRUE",
        ).replace("TZID-China-Standard-Time", "TZID=China Standard Time")
    )
    assert read.values["holidays"] == ("2026-12-24",)


def test_rules_are_read_around_this_year_and_exceptions_left_out() -> None:
    read = imported(
        whole_day("20001225", RRULE="FREQ=YEARLY", EXDATE__VALUE_DATE="20281225").replace("VALUE-D", "VALUE=D")
    )
    assert read.values["holidays"] == tuple(f"{year}-12-25" for year in range(2025, 2037) if year != 2028)
    assert Note("repeated_until", detail="2036-12-31") in read.notes


def test_events_with_times_are_breaks_in_the_calendars_zone() -> None:
    read = imported(
        event(DTSTART="20261123T020000Z", DTEND="20261123T030000Z", SUMMARY="Town hall"),
        event(DTSTART="20261124T150000", DURATION="PT90M"),
        event(DTSTART__TZID="20261125T090000", DTEND__TZID="20261125T093030").replace("TZID:", "TZID=Europe/Berlin:"),
    )
    assert read.values["breaks"] == {
        "2026-11-23": {"10:00": "11:00"},
        "2026-11-24": {"15:00": "16:30"},
        "2026-11-25": {"16:00": "16:31"},
    }


def test_a_break_over_midnight_is_cut_there_and_a_repeated_one_moves_with_its_own_zone() -> None:
    read = imported(event(DTSTART="20261123T230000", DTEND="20261125T010000"))
    assert read.values["breaks"] == {
        "2026-11-23": {"23:00": "24:00"}, "2026-11-24": {"00:00": "24:00"}, "2026-11-25": {"00:00": "01:00"},
    }  # fmt: skip
    berlin = event(DTSTART__TZID="20261023T090000", DTEND__TZID="20261023T100000", RRULE="FREQ=WEEKLY;COUNT=2")
    read = imported(berlin.replace("TZID:", "TZID=Europe/Berlin:"))
    assert read.values["breaks"] == {"2026-10-23": {"15:00": "16:00"}, "2026-10-30": {"16:00": "17:00"}}


@pytest.mark.parametrize(
    ("until", "last"),
    [("20261204T010000Z", "2026-12-04"), ("20261204T005959Z", "2026-11-27"), ("20261204", "2026-12-04")],
)
def test_the_end_of_a_rule_is_an_instant(until: str, last: str) -> None:
    read = imported(event(DTSTART="20261120T090000", DTEND="20261120T100000", RRULE=f"FREQ=WEEKLY;UNTIL={until}"))
    assert max(read.values["breaks"]) == last


def test_events_marked_as_work_are_shifts() -> None:
    read = imported(
        event(DTSTART="20261128T090000", DTEND="20261128T120000", CATEGORIES="Shift"),
        event(DTSTART="20261128T130000", DTEND="20261128T150000", SUMMARY="补班", TRANSP="TRANSPARENT"),
    )
    assert read.values["shifts"] == {"2026-11-28": {"09:00": "12:00", "13:00": "15:00"}}


def test_an_import_adds_to_what_is_there_and_the_last_word_wins() -> None:
    base = stored(country=None, holidays=("2026-11-30", "2026-12-01"), shifts={"2026-12-25": WORKDAY})
    read = imported(whole_day("20261130", SUMMARY="补班"), whole_day("20261225", SUMMARY="放假"), base=base)
    assert read.values["holidays"] == ("2026-12-01", "2026-12-25")
    assert read.values["shifts"] == {"2026-11-30": WORKDAY}
    assert (read.values["time_zone"], read.values["hours"]) == (base.time_zone, base.hours)


def test_what_the_country_has_already_is_not_entered_again() -> None:
    read = imported(whole_day("20261001", SUMMARY="休"), whole_day("20261010", SUMMARY="班"), base=stored())
    assert (read.values["holidays"], read.values["shifts"]) == ((), {})
    assert read.notes == [Note("already_known", 2)]


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"DTSTART": "20261123T090000", "DTEND": "20261123T100000", "STATUS": "CANCELLED"}, Why.CANCELLED),
        ({"DTSTART": "20261123T090000", "DTEND": "20261123T100000", "TRANSP": "TRANSPARENT"}, Why.FREE),
        ({"DTSTART": "20261123", "UID": "a", "RECURRENCE_ID__RANGE=THISANDFUTURE": "20261123"}, Why.OVERRIDE),
        ({"DTSTART": "20261123", "UID": "a", "RECURRENCE_ID": "20261123", "RRULE": "FREQ=DAILY"}, Why.OVERRIDE),
        ({"DTSTART": "20261123", "RECURRENCE_ID": "20261123"}, Why.NO_SERIES),
        ({"DTSTART": "20261123", "UID": "a", "RECURRENCE_ID": "some day"}, Why.UNDATED),
        ({"DTSTART": "20261123T090000"}, Why.UNDATED),
        ({"DTSTART": "20261123T090000", "DTEND": "20261123T090000"}, Why.UNDATED),
        ({"DTSTART": "20261332"}, Why.UNDATED),
        ({"SUMMARY": "nothing"}, Why.UNDATED),
        ({"DTSTART__TZID=Mars/Base": "20261123T090000", "DURATION": "PT1H"}, Why.ZONE),
        ({"DTSTART": "20261123", "RRULE": "FREQ=SECONDLY"}, Why.RULE),
        ({"DTSTART": "20261123", "RRULE": "FREQ=SOMETIMES"}, Why.RULE),
        ({"DTSTART": "20261123", "RRULE": "FREQ=DAILY", "EXDATE": "20261124,someday"}, Why.RULE),
        ({"DTSTART": "20261123", "RDATE": ",".join(["20261124"] * 1001)}, Why.RULE),
        ({"DTSTART": "20261123", "DTEND": "20301123"}, Why.TOO_LONG),
        ({"DTSTART": "19691231"}, Why.OUT_OF_RANGE),
        ({"DTSTART": "21010101"}, Why.OUT_OF_RANGE),
        ({"DTSTART": "99991231"}, Why.OUT_OF_RANGE),
        ({"DTSTART": "99991231T230000Z", "DURATION": "PT2H"}, Why.OUT_OF_RANGE),
        ({"DTSTART": "00010101T000000Z", "DURATION": "PT2H"}, Why.OUT_OF_RANGE),
        ({"DTSTART": "20261123", "DURATION": "P99999999999D"}, Why.UNDATED),
    ],
)
def test_what_is_passed_over_is_named_with_its_reason_and_line(properties: dict[str, str], why: Why) -> None:
    properties = {name.replace("=", "@"): value for name, value in properties.items()} | {"SUMMARY": "odd"}
    read = imported(event(**properties).replace("@", "="))
    assert [(note.code, note.line, note.summary) for note in read.notes if note.line] == [(why, 4, "odd")]
    for language in ("zh", "en"):
        assert "odd" in says(next(note for note in read.notes if note.line), language)
    assert (read.values["holidays"], read.values["breaks"]) == ((), {})


def test_every_note_has_its_words() -> None:
    for why in Why:
        assert says(Note(why, line=1, detail="x"), "zh") != says(Note(why, line=1, detail="x"), "en")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_icalendar"), (b"{}", "not_icalendar"), (b"BEGIN:VEVENT\r\nEND:VEVENT", "not_icalendar"),
        (b"\xff\xfe\x00", "not_utf8"),
        (feed(*["BEGIN:VEVENT\r\nEND:VEVENT"] * (MOST_EVENTS + 1)), "too_many_events"),
        (feed(*[whole_day("20260101", DTEND="20270101")] * 60), "too_many_dates"),
    ],
    ids=range(6),
)  # fmt: skip
def test_what_is_no_calendar_or_too_much_of_one_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(CalendarErrors) as refused:
        read_ical(content, stored(), TODAY)
    assert [error.code for error in refused.value.errors] == [code]


def test_a_file_without_a_zone_needs_a_calendar_to_add_to() -> None:
    file = feed(whole_day("20261225"), head="METHOD:PUBLISH")
    assert read_ical(file, stored(country=None), TODAY).values["holidays"] == ("2026-12-25",)
    with pytest.raises(CalendarErrors) as refused:
        read_ical(file, None, TODAY)
    assert refused.value.errors[0].pointer == "/time_zone"


def test_more_rules_than_are_read_are_passed_over_and_a_hostile_one_costs_little() -> None:
    never = whole_day("19700101", RRULE="FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2147483647")
    read = imported(*[never] * 3, *[whole_day("20261225", RRULE="FREQ=YEARLY;COUNT=1")] * MOST_RULES)
    assert passed_over(read) == [Why.TOO_MANY] * 3
    assert read.values["holidays"] == ("2026-12-25",)


def test_folded_lines_unusual_line_ends_and_a_cut_off_end_are_read() -> None:
    text = feed(whole_day("20261225", SUMMARY="Christ")).decode().replace("SUMMARY:Christ", "SUMMARY:Chr\r\n ist")
    for written in (text, text.replace("\r\n", "\n"), "\ufeff" + text, text.replace("END:VCALENDAR\r\n", "")):
        assert read_ical(written.encode(), stored(country=None), TODAY).values["holidays"] == ("2026-12-25",)


def test_a_draft_of_nothing_but_a_zone_can_be_exported() -> None:
    calendar = StoredCalendar(**draft(hours={}).model_dump(), id="empty", version=1)
    assert again(calendar) == calendar


def test_an_export_of_many_years_ago_keeps_the_week() -> None:
    read = read_ical(write_ical(stored(), (1990, 1990), "en", NOW), None, TODAY)
    assert read.values["hours"] == {name: dict(spans) for name, spans in WEEK.items()}


FRIDAYS = {"UID": "fridays@bihuan.test", "RRULE": "FREQ=WEEKLY;COUNT=4"}


def test_a_repetition_that_was_moved_counts_where_it_was_moved_to_and_not_where_it_was() -> None:
    series = whole_day("20261106", SUMMARY="休", **FRIDAYS)
    moved = whole_day("20261116", SUMMARY="休", UID=FRIDAYS["UID"], RECURRENCE_ID__VALUE_DATE="20261113")
    other = whole_day("20261113", SUMMARY="休", UID="another@bihuan.test")
    for order in ((series, moved), (moved, series)):
        read = imported(*order)
        assert read.values["holidays"] == ("2026-11-06", "2026-11-16", "2026-11-20", "2026-11-27")
        assert says(read.notes[1], "zh") == "系列中单独更改的重复：读取 1 次。"
        assert passed_over(read) == []
    assert "2026-11-13" in imported(series, moved, other).values["holidays"]


def test_a_repetition_that_was_cancelled_is_no_holiday() -> None:
    cancelled = whole_day("20261113", UID=FRIDAYS["UID"], RECURRENCE_ID="20261113", STATUS="CANCELLED")
    read = imported(whole_day("20261106", SUMMARY="休", **FRIDAYS), cancelled)
    assert read.values["holidays"] == ("2026-11-06", "2026-11-20", "2026-11-27")
    assert says(read.notes[1], "en") == "Single repetitions of a series: 1 were read as cancelled."
    assert passed_over(read) == []


def test_a_break_moved_on_one_day_is_told_in_any_zone() -> None:
    daily = {"UID": "tea@bihuan.test", "RRULE": "FREQ=DAILY;COUNT=3"}
    series = event(DTSTART="20261123T150000", DURATION="PT15M", **daily)
    # 15:00 in Shanghai.
    moved = event(DTSTART="20261124T160000", DURATION="PT30M", UID=daily["UID"], RECURRENCE_ID="20261124T070000Z")
    assert imported(series, moved).values["breaks"] == {
        "2026-11-23": {"15:00": "15:15"},
        "2026-11-24": {"16:00": "16:30"},
        "2026-11-25": {"15:00": "15:15"},
    }


def test_a_change_of_several_repetitions_is_refused_by_its_line_and_the_series_stays() -> None:
    later = whole_day("20261114", UID=FRIDAYS["UID"], RECURRENCE_ID__RANGE_THISANDFUTURE="20261113")
    read = imported(whole_day("20261106", SUMMARY="休", **FRIDAYS), later.replace("RANGE-THIS", "RANGE=THIS"))
    assert read.values["holidays"] == ("2026-11-06", "2026-11-13", "2026-11-20", "2026-11-27")
    (note,) = (note for note in read.notes if note.code == Why.OVERRIDE)
    assert says(note, "en").startswith("Line 10, ")


def test_holidays_by_number_of_week_or_day_are_read() -> None:
    days = whole_day("20260413", SUMMARY="休", RRULE="FREQ=YEARLY;BYWEEKNO=16;BYDAY=MO;COUNT=2")
    hundredth = whole_day("20260410", SUMMARY="休", RRULE="FREQ=YEARLY;BYYEARDAY=100;COUNT=2")
    read = imported(days, hundredth)
    assert read.values["holidays"] == ("2026-04-10", "2026-04-13", "2027-04-10", "2027-04-19")
    assert passed_over(read) == []
