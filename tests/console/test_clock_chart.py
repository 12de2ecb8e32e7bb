"""The course of a clock: nights are no pauses, and everything on the bar is told in words too."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.console.public_api.closed_hours import Openings, stretches
from services.console.tickets.clock_chart import WIDTH, course
from services.contracts.base import format_instant
from tests.console.test_present import NOW, ledger, present

HOUR = timedelta(hours=1)
RUNS = [(0, None, "running")]


def kinds(shown: Any) -> list[str]:
    return [step.kind for step in shown.steps]


def test_rule_7_outside_working_hours_looks_unlike_a_pause() -> None:
    openings = Openings([(NOW - 4 * HOUR, NOW - 3 * HOUR), (NOW - HOUR, NOW + 4 * HOUR)])
    clock = {**ledger(-4 * HOUR, 4 * HOUR, RUNS), "target": "PT6WH"}
    shown = course(clock, present(), openings=openings)
    assert [piece.state for piece in shown.pieces] == ["running", "resting", "running"]
    assert [piece.state for piece in shown.ahead] == ["ahead"]
    assert [(piece.x, piece.width) for piece in shown.pieces] == [(0, 125), (125, 250), (375, 125)]


def test_a_clock_by_the_wall_never_rests() -> None:
    closed = Openings([])
    shown = course(ledger(-4 * HOUR, 4 * HOUR, RUNS), present(), openings=closed)
    assert [piece.state for piece in (*shown.pieces, *shown.ahead)] == ["running", "ahead"]


def test_a_pause_at_night_is_a_pause() -> None:
    clock = {**ledger(-4 * HOUR, None, [(0, 1, "running"), (1, None, "paused")]), "target": "PT6WH"}
    shown = course(clock, present(), openings=Openings([(NOW - 4 * HOUR, NOW - 3 * HOUR)]))
    assert [piece.state for piece in shown.pieces] == ["running", "paused"]


def test_steps_come_in_order_with_the_due_time_among_them() -> None:
    clock = ledger(-4 * HOUR, HOUR, [(0, 1, "running"), (1, 2, "paused"), (2, None, "running")])
    warned: dict[str, Any] = {
        "type": "clock.warned",
        "at": format_instant(NOW - HOUR),
        "cycle": 1,
        "data": {"clock": "response", "clock_cycle": 1, "round": 1},
    }
    other = {**warned, "data": {**warned["data"], "round": 2}}
    shown = course(clock, present(), [warned, other])
    assert kinds(shown) == ["started", "paused", "warned", "due"]
    assert "等配件" in shown.steps[1].text
    assert "1 小时" in shown.steps[1].text
    assert [(mark.kind, mark.x) for mark in shown.marks] == [("warned", WIDTH * 0.6)]


def test_a_breach_found_late_says_how_late() -> None:
    breached = {"state": "breached", "breached_at": format_instant(NOW - HOUR), "detected_at": format_instant(NOW)}
    shown = course({**ledger(-4 * HOUR, -HOUR, RUNS), **breached}, present("en"))
    assert kinds(shown) == ["started", "breached"]
    assert "noticed 1 h later" in shown.steps[1].text
    punctual = {**breached, "detected_at": format_instant(NOW - HOUR + timedelta(seconds=59))}
    assert "noticed" not in course({**ledger(-4 * HOUR, -HOUR, RUNS), **punctual}, present("en")).steps[1].text


def test_a_missed_clock_wants_its_reason_until_somebody_has_said_it() -> None:
    clock = {**ledger(-4 * HOUR, -HOUR, RUNS), "state": "breached", "breached_at": format_instant(NOW - HOUR)}
    assert course({**clock, "explained": False}, present()).wants_reason
    assert not course({**clock, "explained": True}, present()).wants_reason


def test_what_a_publication_moved_is_a_step_of_the_clock_that_it_moved() -> None:
    change = {"clock": "response", "cycle": 1, "round": 1, "due_from": format_instant(NOW), "due_to": None}
    event = {
        "type": "ticket.recalculated",
        "at": format_instant(NOW - HOUR),
        "cycle": 1,
        "data": {"changes": [change, {**change, "clock": "plan"}], "excused": []},
    }
    excused = {"excused_at": format_instant(NOW - HOUR)}
    shown = course({**ledger(-4 * HOUR, HOUR, RUNS), **excused}, present("en"), [event])
    assert kinds(shown) == ["started", "excused", "recalculated", "due"]
    assert "Today 14:30 → —" in shown.steps[2].text
    assert shown.is_excused


def test_a_promised_date_and_the_customers_reply_in_a_pause_are_told() -> None:
    clock = ledger(-4 * HOUR, HOUR, [(0, 1, "running"), (1, 2, "paused"), (2, None, "running")])
    clock["segments"][1]["customer_replied_at"] = format_instant(NOW - 3 * HOUR)
    promised = {
        "type": "ticket.promised",
        "at": format_instant(NOW - 2 * HOUR),
        "cycle": 1,
        "data": {"respond_by": format_instant(NOW + HOUR)},
    }
    shown = course(clock, present("en"), [promised])
    assert kinds(shown) == ["started", "paused", "promised", "due"]
    assert "the customer had replied" in shown.steps[1].text
    assert "Today 15:30" in shown.steps[2].text


def test_openings_are_local_times_of_the_calendar_and_end_at_midnight_when_they_say_24() -> None:
    found = {
        "time_zone": "Europe/Berlin",
        "days": [
            {"date": "2026-10-24", "hours": [["22:00", "24:00"]]},
            {"date": "2026-10-25", "hours": [["00:00", "04:00"]]},
        ],
    }
    assert list(stretches(found)) == [
        (datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)),
    ], "the night of 25 hours is five hours long from midnight to four"


def test_closedstretches_are_what_no_opening_covers() -> None:
    start = datetime(2026, 11, 20, tzinfo=ZoneInfo("UTC"))
    openings = Openings([(start + 2 * HOUR, start + 3 * HOUR), (start + 5 * HOUR, start + 9 * HOUR)])
    assert list(openings.closed(start, start + 8 * HOUR)) == [
        (start, start + 2 * HOUR),
        (start + 3 * HOUR, start + 5 * HOUR),
    ]
    assert list(openings.closed(start + 9 * HOUR, start + 10 * HOUR)) == [(start + 9 * HOUR, start + 10 * HOUR)]
    assert list(openings.closed(start + 6 * HOUR, start + 7 * HOUR)) == []
