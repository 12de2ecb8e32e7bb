"""semantics.md 1 to 5: how calendars are walked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from services.contracts.policy import CalendarDraft, StoredCalendar
from services.promises.calendars import Calendar, CalendarErrors, CalendarExhausted
from tests.unit.promises.instants import ALWAYS, CN, DAY, HOUR, MINUTE, WORKDAY, calendar, draft, lasting, local

OFFICE = calendar()
NEW_YORK = "America/New_York"
AROUND_THE_CLOCK = {day: {"00:00": "24:00"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def test_rule_1_seconds_and_fractions_are_kept() -> None:
    started = local("2026-11-20 14:30:15.250")
    assert OFFICE.add(started, lasting("PT2WH")) == local("2026-11-20 16:30:15.250")


def test_rule_1_a_day_of_23_hours_and_one_of_25_fall_out_of_the_zone() -> None:
    always = calendar(NEW_YORK, AROUND_THE_CLOCK)
    for day, hours in (("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)):
        midnight = local(f"{day} 00:00", NEW_YORK)
        next_midnight = local(f"{day[:-2]}{int(day[-2:]) + 1:02} 00:00", NEW_YORK)
        assert always.between(midnight, next_midnight) == hours * HOUR
        assert always.add(midnight, lasting("P1WD")) == local(f"{day[:-2]}{int(day[-2:]) + 2:02} 00:00", NEW_YORK)


def test_rule_1_a_night_shift_over_the_spring_change_is_an_hour_shorter() -> None:
    nights = calendar(NEW_YORK, {"sun": {"00:00": "06:00"}})
    assert nights.between(local("2026-03-08 00:00", NEW_YORK), local("2026-03-08 12:00", NEW_YORK)) == 5 * HOUR
    assert nights.add(local("2026-03-08 01:30", NEW_YORK), lasting("PT1WH")) == local("2026-03-08 03:30", NEW_YORK)


def test_rule_1_a_night_shift_over_the_autumn_change_is_an_hour_longer() -> None:
    nights = calendar(NEW_YORK, {"sun": {"00:00": "06:00"}})
    assert nights.between(local("2026-11-01 00:00", NEW_YORK), local("2026-11-01 12:00", NEW_YORK)) == 7 * HOUR
    assert nights.add(local("2026-11-01 01:30", NEW_YORK), lasting("PT1WH")) == local(
        "2026-11-01 01:30", NEW_YORK, fold=1
    )


def test_a_local_time_that_does_not_exist_moves_on_by_the_gap() -> None:
    early = calendar(NEW_YORK, {"sun": {"02:30": "05:00"}})
    opening = local("2026-03-08 03:30", NEW_YORK)
    assert not early.is_open(opening - MINUTE)
    assert early.is_open(opening)


def test_an_interval_that_lies_in_a_gap_does_not_overlap_the_next_one() -> None:
    split = calendar(NEW_YORK, {"sun": {"00:00": "02:30", "03:00": "05:00"}})
    assert split.between(local("2026-03-08 00:00", NEW_YORK), local("2026-03-08 12:00", NEW_YORK)) == 4 * HOUR


def test_a_local_time_that_comes_twice_is_its_first() -> None:
    early = calendar(NEW_YORK, {"sun": {"01:30": "05:00"}})
    assert early.is_open(local("2026-11-01 01:30", NEW_YORK, fold=0))
    assert early.between(local("2026-11-01 00:00", NEW_YORK), local("2026-11-01 12:00", NEW_YORK)) == 4.5 * HOUR


def test_a_date_that_a_zone_skipped_has_no_hours() -> None:
    samoa = calendar("Pacific/Apia", AROUND_THE_CLOCK)
    before, after = local("2011-12-29 00:00", "Pacific/Apia"), local("2011-12-31 00:00", "Pacific/Apia")
    assert samoa.between(before, after) == 24 * HOUR
    assert samoa.add(before, lasting("P1WD")) == local("2012-01-01 00:00", "Pacific/Apia")


def test_rule_1_the_calendar_is_the_contracts_whatever_zone_the_instant_is_written_in() -> None:
    written = datetime.fromisoformat("2026-11-20T01:30:00-05:00")
    assert OFFICE.add(written, lasting("PT2WH")) == local("2026-11-20 16:30")


def test_rule_2_lunch_counts_nothing() -> None:
    assert OFFICE.add(local("2026-11-20 11:00"), lasting("PT2WH")) == local("2026-11-20 14:30")
    assert OFFICE.between(local("2026-11-20 11:00"), local("2026-11-20 14:30")) == 2 * HOUR


def test_rule_2_a_shift_replaces_the_weekly_hours() -> None:
    makeup = calendar(shifts={"2026-11-21": {"10:00": "11:00"}, "2026-11-20": {}})
    assert makeup.add(local("2026-11-20 09:00"), lasting("PT1WH")) == local("2026-11-21 11:00")


def test_rule_2_a_holiday_wins_over_a_shift_and_a_shift_over_weekly_hours() -> None:
    both = calendar(
        shifts={"2026-11-20": {"07:00": "08:00"}, "2026-11-19": {"07:00": "08:00"}}, holidays=["2026-11-20"]
    )
    assert not both.is_open(local("2026-11-20 07:30"))
    assert both.is_open(local("2026-11-19 07:30"))
    assert not both.is_open(local("2026-11-19 10:00"))


def test_rule_2_breaks_are_cut_out_of_what_remains() -> None:
    broken = calendar(
        shifts={"2026-11-21": {"09:00": "18:00"}},
        holidays=["2026-11-19"],
        breaks={
            "2026-11-19": {"10:00": "11:00"},
            "2026-11-20": {"08:00": "09:30", "11:30": "14:00", "17:00": "23:00"},
            "2026-11-21": {"12:00": "13:00"},
        },
    )
    assert [broken.is_open(local(f"2026-11-20 {time}")) for time in ("09:29", "09:30", "11:29", "11:30", "13:59")] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert broken.between(local("2026-11-20 00:00"), local("2026-11-21 00:00")) == 5 * HOUR
    assert broken.between(local("2026-11-21 00:00"), local("2026-11-22 00:00")) == 8 * HOUR
    assert broken.between(local("2026-11-19 00:00"), local("2026-11-20 00:00")) == timedelta(0)


def test_rule_2_intervals_are_half_open() -> None:
    closing = local("2026-11-20 18:00")
    assert OFFICE.is_open(local("2026-11-20 09:00"))
    assert not OFFICE.is_open(local("2026-11-20 09:00") - timedelta(microseconds=1))
    assert OFFICE.is_open(closing - timedelta(microseconds=1))
    assert not OFFICE.is_open(closing)


def test_an_end_may_be_24_00_and_the_night_goes_on_at_00_00() -> None:
    night = calendar(hours={"fri": {"22:00": "24:00"}, "sat": {"00:00": "06:00"}})
    assert night.add(local("2026-11-20 23:00"), lasting("PT2WH")) == local("2026-11-21 01:00")
    assert night.is_open(local("2026-11-21 00:00"))
    assert night.add(local("2026-11-20 22:00"), lasting("PT2WH")) == local("2026-11-21 00:00")


def test_overlapping_and_touching_intervals_count_once() -> None:
    merged = calendar(hours={"fri": {"09:00": "12:00", "11:00": "13:00", "13:00": "14:00"}})
    assert merged.between(local("2026-11-20 00:00"), local("2026-11-21 00:00")) == 5 * HOUR


def slots(number: int) -> dict[str, str]:
    """So many minutes of a day, each with a minute's pause behind it."""
    return {f"{at // 60:02}:{at % 60:02}": f"{at // 60:02}:{at % 60 + 1:02}" for at in range(0, 2 * number, 2)}


def test_a_day_has_48_intervals_at_most_once_those_that_touch_are_one() -> None:
    calendar(hours={"mon": slots(48)}, breaks={"2026-11-20": slots(48)}, shifts={"2026-11-21": slots(48)})
    whole = {f"{hour:02}:{minute:02}": f"{hour:02}:{minute + 1:02}" for hour in range(24) for minute in range(59)}
    assert len(whole) > 48
    calendar(hours={"mon": {**whole, **{f"{hour:02}:59": f"{hour + 1:02}:00" for hour in range(24)}}})
    for field, place in (("hours", "mon"), ("shifts", "2026-11-21"), ("breaks", "2026-11-20")):
        with pytest.raises(CalendarErrors) as refused:
            Calendar.compile(CalendarDraft.model_validate({"time_zone": "UTC", field: {place: slots(49)}}))
        assert [(error.pointer, error.code) for error in refused.value.errors] == [
            (f"/{field}/{place}", "too_many_intervals")
        ]


def test_rule_4_working_hours_are_minutes_of_opening_time() -> None:
    assert OFFICE.add(local("2026-11-20 17:00"), lasting("PT2WH")) == local("2026-11-23 10:00")


def test_rule_4_hours_without_working_are_wall_clock_time() -> None:
    assert OFFICE.add(local("2026-11-20 17:00"), lasting("PT24H")) == local("2026-11-21 17:00")
    assert OFFICE.subtract(local("2026-11-21 17:00"), lasting("P1D")) == local("2026-11-20 17:00")


@pytest.mark.parametrize(
    ("started", "due"),
    [
        ("2026-11-20 10:00", "2026-11-25 18:00"),
        ("2026-11-20 17:59:59.999999", "2026-11-25 18:00"),
        ("2026-11-20 18:00", "2026-11-26 18:00"),
        ("2026-11-20 12:30", "2026-11-25 18:00"),
        ("2026-11-20 08:59", "2026-11-25 18:00"),
        ("2026-11-21 15:00", "2026-11-26 18:00"),
        ("2026-11-22 23:00", "2026-11-26 18:00"),
    ],
)
def test_rule_4_three_working_days_end_with_the_third_working_day_after_the_starts(started: str, due: str) -> None:
    assert OFFICE.add(local(started), lasting("P3WD")) == local(due)


@pytest.mark.parametrize(
    ("ended", "begun"),
    [
        ("2026-11-25 10:00", "2026-11-20 09:00"),
        ("2026-11-25 09:00", "2026-11-19 09:00"),
        ("2026-11-25 09:00:00.000001", "2026-11-20 09:00"),
        ("2026-11-22 10:00", "2026-11-17 09:00"),
    ],
)
def test_subtracting_working_days_mirrors_adding_them(ended: str, begun: str) -> None:
    assert OFFICE.subtract(local(ended), lasting("P3WD")) == local(begun)


def test_rule_4_add_that_lands_on_a_closing_answers_the_closing() -> None:
    assert OFFICE.add(local("2026-11-20 17:00"), lasting("PT1WH")) == local("2026-11-20 18:00")
    assert OFFICE.add(local("2026-11-20 11:00"), lasting("PT1WH")) == local("2026-11-20 12:00")


def test_rule_4_subtract_that_lands_on_an_opening_answers_the_opening() -> None:
    assert OFFICE.subtract(local("2026-11-23 10:00"), lasting("PT1WH")) == local("2026-11-23 09:00")
    assert OFFICE.subtract(local("2026-11-23 14:30"), lasting("PT1WH")) == local("2026-11-23 13:30")


@pytest.mark.parametrize("nothing", ["PT0S", "PT0WH", "P0WD"])
@pytest.mark.parametrize("instant", ["2026-11-20 10:00", "2026-11-21 10:00", "2026-11-20 18:00"])
def test_a_duration_of_zero_answers_the_instant_itself(nothing: str, instant: str) -> None:
    assert OFFICE.add(local(instant), lasting(nothing)) == local(instant)
    assert OFFICE.subtract(local(instant), lasting(nothing)) == local(instant)


@pytest.mark.parametrize("started", ["2026-11-20 18:00", "2026-11-21 12:00", "2026-11-23 08:59:59", "2026-11-23 09:00"])
def test_rule_5_working_time_started_outside_hours_starts_at_the_next_opening(started: str) -> None:
    assert OFFICE.add(local(started), lasting("PT2WH")) == local("2026-11-23 11:00")


def test_between_counts_opening_time_only_and_refuses_to_count_backwards() -> None:
    assert OFFICE.between(local("2026-11-20 17:00"), local("2026-11-23 10:00")) == 2 * HOUR
    assert OFFICE.between(local("2026-11-21 00:00"), local("2026-11-22 00:00")) == timedelta(0)
    with pytest.raises(ValueError, match="before"):
        OFFICE.between(local("2026-11-23 10:00"), local("2026-11-20 17:00"))


def test_openings_are_listed_in_order_and_cut_to_the_question() -> None:
    assert list(OFFICE.openings(local("2026-11-20 17:00"), local("2026-11-23 10:00"))) == [
        (local("2026-11-20 17:00"), local("2026-11-20 18:00")),
        (local("2026-11-23 09:00"), local("2026-11-23 10:00")),
    ]
    assert list(OFFICE.openings(local("2026-11-20 18:00"), local("2026-11-23 09:00"))) == []
    across = OFFICE.openings(local("2026-12-31 13:30"), local("2027-01-01 12:00"))
    assert [start for start, _ in across] == [local("2026-12-31 13:30"), local("2027-01-01 09:00")]


def test_a_calendar_of_shifts_alone_ends_with_its_last_shift() -> None:
    fair = calendar(hours={}, shifts={"2026-11-20": {"09:00": "18:00"}, "2026-11-21": {"09:00": "18:00"}})
    opening = local("2026-11-20 09:00")
    assert fair.add(opening, lasting("PT18WH")) == local("2026-11-21 18:00")
    assert fair.add(opening, lasting("P1WD")) == local("2026-11-21 18:00")
    for too_long in ("PT18WH1WS", "P2WD"):
        with pytest.raises(CalendarExhausted):
            fair.add(opening, lasting(too_long))
        with pytest.raises(CalendarExhausted):
            fair.subtract(local("2026-11-21 18:00"), lasting(too_long))


def test_a_calendar_that_never_opens_is_exhausted_but_can_be_measured() -> None:
    holidays = [f"{year}-11-20" for year in range(2000, 2100)]
    never = calendar(hours={}, shifts=dict.fromkeys(holidays, WORKDAY), holidays=holidays)
    started = local("2026-11-20 10:00")
    for question in (never.add, never.subtract):
        for length in ("PT1WM", "P1WD"):
            with pytest.raises(CalendarExhausted):
                question(started, lasting(length))
    assert never.between(started, started + 100 * DAY) == timedelta(0)
    assert not never.is_open(started)


@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC), datetime(9999, 6, 1, tzinfo=UTC)]
)
def test_instants_out_of_reach_are_refused_and_never_computed(at: datetime) -> None:
    for question in (OFFICE.add, OFFICE.subtract):
        with pytest.raises(CalendarExhausted):
            question(at, lasting("PT1WH"))
    with pytest.raises(CalendarExhausted):
        OFFICE.is_open(at)
    with pytest.raises(CalendarExhausted):
        OFFICE.add(at, lasting("P999999W"))


def test_the_far_future_is_reached_and_still_knows_the_weekend_and_the_zone() -> None:
    office = calendar(NEW_YORK, {"sun": {"00:00": "06:00"}, "mon": WORKDAY})
    started = local("2026-11-22 00:00", NEW_YORK)
    far = office.add(started, lasting("PT999999WH"))
    assert far.year > 3000
    assert office.between(started, far) == 999_999 * HOUR
    second_sunday_of_march = local("3001-03-08 00:00", NEW_YORK)
    assert office.between(second_sunday_of_march, second_sunday_of_march + DAY) == 5 * HOUR


def test_dates_may_lie_up_to_2100() -> None:
    office = calendar(holidays=["2099-12-31", "2100-12-31"])
    assert not office.is_open(local("2100-12-31 10:00"))
    assert office.is_open(local("2101-01-03 10:00"))
    with pytest.raises(CalendarErrors) as refused:
        calendar(holidays=["2101-01-01"])
    assert (refused.value.errors[0].pointer, refused.value.errors[0].code) == ("/holidays/0", "date_out_of_range")


def test_years_are_compiled_once_however_many_threads_ask() -> None:
    office = calendar()
    starts = [local(f"{year}-11-20 10:00") for year in (2090, 1975, 2050, 1990, 2026, 2010, 2075, 2000)] * 4
    with ThreadPoolExecutor(8) as pool:
        lengths = list(pool.map(lambda at: office.between(at, office.add(at, lasting("PT4000WH"))), starts))
    assert set(lengths) == {4000 * HOUR}


def test_rule_2_chinese_holidays_and_makeup_days_are_known() -> None:
    assert CN.add(local("2026-09-30 17:30"), lasting("PT2WH")) == local("2026-10-08 10:30")
    assert CN.is_open(local("2026-10-10 10:00"))
    assert not CN.is_open(local("2026-10-05 10:00"))
    assert CN.add(local("2026-10-08 10:00"), lasting("P2WD")) == local("2026-10-10 18:00")


def test_rule_2_past_the_announced_holidays_due_times_are_provisional() -> None:
    assert CN.official_until is not None
    assert not CN.is_provisional(local(f"{CN.official_until} 23:59"))
    assert CN.is_provisional(local(f"{CN.official_until} 23:59") + MINUTE)
    assert not ALWAYS.is_provisional(local("9000-01-01 00:00"))


def test_rule_2_the_calendars_own_dates_are_an_overlay_over_the_countrys() -> None:
    stored = StoredCalendar(
        **draft().model_dump() | {"shifts": {"2026-10-05": WORKDAY}, "holidays": ("2026-10-10",)},
        id="cn", version=2, country="CN", official_until="2027-12-31",
    )  # fmt: skip
    overlay = Calendar.compile(stored)
    assert overlay.is_open(local("2026-10-05 10:00"))
    assert not overlay.is_open(local("2026-10-06 10:00"))
    assert not overlay.is_open(local("2026-10-10 10:00"))
    assert not overlay.is_provisional(local("2027-12-31 12:00"))
    assert (overlay.id, overlay.version) == ("cn", 2)


def test_makeup_days_have_mondays_hours_or_their_own_where_monday_is_closed() -> None:
    def compiled(hours: dict[str, dict[str, str]]) -> Calendar:
        return Calendar.compile(StoredCalendar.model_validate(
            {"id": "shop", "version": 1, "country": "CN", "time_zone": "Asia/Shanghai", "hours": hours}))  # fmt: skip

    shop = compiled({"mon": {"09:00": "17:00"}, "sat": {"10:00": "11:00"}})
    assert shop.between(local("2026-10-10 00:00"), local("2026-10-11 00:00")) == 8 * HOUR
    shop = compiled({"tue": {"09:00": "17:00"}, "sat": {"10:00": "11:00"}})
    assert shop.between(local("2026-10-10 00:00"), local("2026-10-11 00:00")) == HOUR


@pytest.mark.parametrize(
    ("fault", "pointer", "code"),
    [
        ({"time_zone": "Asia/Nowhere"}, "/time_zone", "unknown_time_zone"),
        ({"time_zone": ""}, "/time_zone", "unknown_time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone", "unknown_time_zone"),
        ({"time_zone": "America"}, "/time_zone", "unknown_time_zone"),
        ({"time_zone": "UTC\x00"}, "/time_zone", "unknown_time_zone"),
        ({"hours": {"mon": {"18:00": "02:00"}}}, "/hours/mon/18:00", "over_midnight"),
        ({"hours": {"mon": {"18:00": "00:00"}}}, "/hours/mon/18:00", "over_midnight"),
        ({"hours": {"mon": {"18:00": "18:00"}}}, "/hours/mon/18:00", "empty_interval"),
        ({"hours": {"mon": {"24:00": "24:00"}}}, "/hours/mon/24:00", "invalid_time"),
        ({"hours": {"mon": {"9:00": "18:00"}}}, "/hours/mon/9:00", "invalid_time"),
        ({"hours": {"mon": {"09:00": "24:01"}}}, "/hours/mon/09:00", "invalid_time"),
        ({"hours": {"mon": {"09:00": "18:60"}}}, "/hours/mon/09:00", "invalid_time"),
        ({"hours": {"mon": {"0~/": "18:00"}}}, "/hours/mon/0~0~1", "invalid_time"),
        ({"hours": {"mon": {"٠٩:٠٠": "18:00"}}}, "/hours/mon/٠٩:٠٠", "invalid_time"),
        ({"shifts": {"2026-02-30": WORKDAY}}, "/shifts/2026-02-30", "invalid_date"),
        ({"shifts": {"2026-11-20": {"18:00": "02:00"}}}, "/shifts/2026-11-20/18:00", "over_midnight"),
        ({"holidays": ["2026-10-01", "20261002"]}, "/holidays/1", "invalid_date"),
        ({"holidays": ["2026-W01-1"]}, "/holidays/0", "invalid_date"),
        ({"holidays": ["0000-01-01"]}, "/holidays/0", "invalid_date"),
        ({"breaks": {"tomorrow": {}}}, "/breaks/tomorrow", "invalid_date"),
    ],
)
def test_a_fault_in_a_draft_is_named_by_its_place(fault: dict[str, object], pointer: str, code: str) -> None:
    with pytest.raises(CalendarErrors) as refused:
        Calendar.compile(CalendarDraft.model_validate({"time_zone": "Asia/Shanghai", **fault}))
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


def test_every_fault_of_a_draft_is_found_at_once() -> None:
    with pytest.raises(CalendarErrors) as refused:
        calendar("Mars/Olympus", {"mon": {"18:00": "02:00", "x": "y"}}, holidays=["never"])
    pointers = ["/time_zone", "/hours/mon/18:00", "/hours/mon/x", "/holidays/0"]
    assert [error.pointer for error in refused.value.errors] == pointers


def test_a_stored_calendar_with_an_unknown_country_or_a_wrong_date_is_refused() -> None:
    stored = StoredCalendar(**draft().model_dump(), id="x", version=1, country="XX", official_until="soon")
    with pytest.raises(CalendarErrors) as refused:
        Calendar.compile(stored)
    assert [error.pointer for error in refused.value.errors] == ["/country", "/official_until"]
