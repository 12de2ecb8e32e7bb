"""semantics.md 6 and 22: the ledger of one clock."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.promises.calendars import Calendar
from services.promises.clocks import Pause, due_at, own_time, warnings_at
from tests.unit.promises.instants import ALWAYS, CN, DAY, HOUR, MINUTE, calendar, lasting, local

OFFICE = calendar()
FRIDAY = local("2026-11-20 16:00")


def pause(begins: str, ends: str) -> Pause:
    """A pause in local time."""
    return local(begins), local(ends)


def test_rule_6_without_a_pause_the_target_decides() -> None:
    assert due_at(FRIDAY, lasting("PT4WH"), (), OFFICE) == local("2026-11-23 11:00")
    assert due_at(FRIDAY, lasting("PT4H"), (), OFFICE) == local("2026-11-20 20:00")
    assert due_at(FRIDAY, lasting("P3WD"), (), OFFICE) == local("2026-11-25 18:00")


def test_rule_6_a_working_clock_gets_its_paused_opening_time_back() -> None:
    pauses = [pause("2026-11-20 17:00", "2026-11-23 09:30")]
    assert due_at(FRIDAY, lasting("PT4WH"), pauses, OFFICE) == local("2026-11-23 14:00")


def test_rule_6_a_pause_wholly_outside_working_time_moves_no_working_clock() -> None:
    pauses = [pause("2026-11-20 18:00", "2026-11-23 09:00")]
    assert due_at(FRIDAY, lasting("PT4WH"), pauses, OFFICE) == local("2026-11-23 11:00")
    assert due_at(FRIDAY, lasting("P3WD"), pauses, OFFICE) == local("2026-11-25 18:00")


def test_rule_6_a_wall_clock_gets_the_whole_pause_back() -> None:
    pauses = [pause("2026-11-20 18:00", "2026-11-23 09:00")]
    assert due_at(FRIDAY, lasting("PT24H"), pauses, OFFICE) == local("2026-11-24 07:00")


def test_rule_6_working_days_are_prolonged_by_opening_time() -> None:
    pauses = [pause("2026-11-23 10:00", "2026-11-23 14:30")]
    assert due_at(FRIDAY, lasting("P1WD"), pauses, OFFICE) == local("2026-11-24 12:00")


def test_rule_6_a_pause_across_the_national_holiday_costs_only_working_hours() -> None:
    started = local("2026-09-30 17:00")
    pauses = [pause("2026-09-30 17:30", "2026-10-08 09:00")]
    assert due_at(started, lasting("PT2WH"), pauses, CN) == local("2026-10-08 10:30")


def test_rule_6_a_pause_that_begins_when_the_clock_is_due_moves_nothing() -> None:
    target = lasting("PT4H")
    assert due_at(FRIDAY, target, [pause("2026-11-20 19:59", "2026-11-20 21:00")], OFFICE) == local("2026-11-20 21:01")
    assert due_at(FRIDAY, target, [pause("2026-11-20 20:00", "2026-11-20 21:00")], OFFICE) == local("2026-11-20 20:00")
    assert due_at(FRIDAY, target, [pause("2026-11-20 20:01", "2026-11-20 21:00")], OFFICE) == local("2026-11-20 20:00")


def test_rule_6_a_second_pause_counts_when_the_first_one_has_moved_the_due_time_past_it() -> None:
    pauses = [pause("2026-11-20 20:30", "2026-11-20 21:30"), pause("2026-11-20 19:00", "2026-11-20 20:00")]
    assert due_at(FRIDAY, lasting("PT4H"), pauses, OFFICE) == local("2026-11-20 22:00")


def test_overlapping_pauses_and_those_from_before_the_start_count_once() -> None:
    pauses = [
        pause("2026-11-20 17:00", "2026-11-20 18:00"),
        pause("2026-11-20 17:30", "2026-11-20 19:00"),
        pause("2026-11-20 12:00", "2026-11-20 16:30"),
    ]
    assert due_at(FRIDAY, lasting("PT4H"), pauses, OFFICE) == local("2026-11-20 22:30")


def test_own_time_is_what_ran_of_the_clock() -> None:
    pauses = [pause("2026-11-20 17:00", "2026-11-23 09:30"), pause("2026-11-24 09:00", "2026-11-24 10:00")]
    monday = local("2026-11-23 10:00")
    assert own_time(FRIDAY, monday, pauses, OFFICE, working=True) == 1.5 * HOUR
    assert own_time(FRIDAY, monday, pauses, OFFICE, working=False) == 1.5 * HOUR
    assert own_time(FRIDAY, monday, (), OFFICE, working=True) == 3 * HOUR
    assert own_time(FRIDAY, local("2026-11-23 09:00"), pauses, OFFICE, working=True) == HOUR


def test_rule_22_a_share_is_a_share_of_the_clocks_own_time() -> None:
    target = lasting("PT4WH")
    due = due_at(FRIDAY, target, (), OFFICE)
    assert warnings_at((0.75, 0.5), FRIDAY, due, target, (), OFFICE) == (
        local("2026-11-20 18:00"), local("2026-11-23 10:00"),
    )  # fmt: skip


def test_rule_22_of_working_days_a_share_is_counted_in_opening_time() -> None:
    target = lasting("P1WD")
    due = due_at(FRIDAY, target, (), OFFICE)
    assert due == local("2026-11-23 18:00")
    assert warnings_at((0.5,), FRIDAY, due, target, (), OFFICE) == (local("2026-11-23 11:45"),)


def test_rule_22_a_time_before_due_is_counted_in_the_clocks_own_time() -> None:
    working, wall = lasting("PT4WH"), lasting("PT24H")
    assert warnings_at(("PT3H",), FRIDAY, local("2026-11-23 11:00"), working, (), OFFICE) == (
        local("2026-11-20 17:00"),
    )
    assert warnings_at(("PT3WH",), FRIDAY, local("2026-11-23 11:00"), working, (), OFFICE) == (
        local("2026-11-20 17:00"),
    )
    assert warnings_at(("PT3H",), FRIDAY, local("2026-11-21 16:00"), wall, (), OFFICE) == (local("2026-11-21 13:00"),)


def test_rule_22_a_wall_clock_may_be_warned_of_working_time_before_due() -> None:
    wall, due = lasting("P4D"), local("2026-11-24 16:00")
    assert warnings_at(("PT8WH",), FRIDAY, due, wall, (), OFFICE) == (local("2026-11-23 15:30"),)
    assert warnings_at(("P1WD",), FRIDAY, due, wall, (), OFFICE) == (local("2026-11-23 09:00"),)
    assert warnings_at(("PT999999WH",), FRIDAY, due, wall, (), OFFICE) == ()


def test_rule_22_a_working_day_before_due_leaves_that_whole_day_and_the_due_day() -> None:
    target = lasting("P3WD")
    due = due_at(FRIDAY, target, (), OFFICE)
    assert warnings_at(("P1WD",), FRIDAY, due, target, (), OFFICE) == (local("2026-11-23 18:00"),)


def test_rule_22_warnings_skip_the_pauses() -> None:
    target, pauses = lasting("PT4H"), [pause("2026-11-20 17:00", "2026-11-20 22:00")]
    due = due_at(FRIDAY, target, pauses, OFFICE)
    assert due == local("2026-11-21 01:00")
    assert warnings_at((0.25, 0.5, "PT1H"), FRIDAY, due, target, pauses, OFFICE) == (
        local("2026-11-20 17:00"), local("2026-11-20 23:00"), local("2026-11-21 00:00"),
    )  # fmt: skip


@pytest.mark.parametrize("entry", ["PT4WH", "PT5H", "PT0S", "P9999WD"])
def test_rule_22_warnings_at_the_start_or_before_and_at_the_due_time_are_left_out(entry: str) -> None:
    target = lasting("PT4WH")
    due = due_at(FRIDAY, target, (), OFFICE)
    assert warnings_at((entry, 0.5), FRIDAY, due, target, (), OFFICE) == (local("2026-11-20 18:00"),)


def test_warnings_follow_a_date_promised_instead_of_the_target() -> None:
    promised = local("2026-11-24 16:00")
    assert warnings_at((0.5,), FRIDAY, promised, lasting("PT24H"), (), OFFICE) == (local("2026-11-22 16:00"),)


def test_a_target_of_seconds_has_its_warning_within_them() -> None:
    target = lasting("PT4S")
    due = due_at(FRIDAY, target, (), OFFICE)
    assert warnings_at((0.75,), FRIDAY, due, target, (), OFFICE) == (FRIDAY + timedelta(seconds=3),)


@pytest.mark.parametrize("target", ["PT90M", "PT2WH", "P3WD"])
@settings(max_examples=60, deadline=None)
@given(
    minute=st.integers(0, 60 * 24 * 60),
    pauses=st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 3_000)), max_size=4),
    on=st.sampled_from([CN, OFFICE, ALWAYS]),
)
def test_at_its_due_time_a_clock_has_run_exactly_its_target(
    target: str, minute: int, pauses: list[tuple[int, int]], on: Calendar
) -> None:
    started = local("2026-09-01 00:00") + minute * MINUTE
    ledger = [_after(started, begin, length) for begin, length in pauses]
    duration = lasting(target)
    due = due_at(started, duration, ledger, on)
    paused_before_due = [(begins, ends) for begins, ends in ledger if begins < due]
    unpaused = due_at(started, duration, (), on)
    expected = own_time(started, unpaused, (), on, working=duration.is_working)
    assert due >= unpaused
    assert own_time(started, due, paused_before_due, on, working=duration.is_working) == expected
    for warning in warnings_at((0.1, 0.5, 0.9), started, due, duration, ledger, on):
        assert started < warning < due


def _after(started: datetime, begin: int, length: int) -> Pause:
    return started + begin * MINUTE, started + (begin + length) * MINUTE


def test_three_days_by_the_wall_are_three_times_24_hours_also_where_clocks_change() -> None:
    started = local("2026-03-07 12:00", "America/New_York")
    assert due_at(started, lasting("P3D"), (), OFFICE) == started + 3 * DAY
