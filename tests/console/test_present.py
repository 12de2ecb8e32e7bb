"""Lengths and clocks in words, just before, at and just after every boundary."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.console.rendering.present import Present
from services.console.tickets.clock_chart import WIDTH, course
from services.console.wording import WORDING
from services.contracts.base import format_instant

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def present(language: Any = "zh-CN", zone: ZoneInfo = SHANGHAI, **open_now: bool) -> Present:
    """A reader in Shanghai at half past two."""
    return Present(WORDING.speak(language), zone, NOW, open_now)


def clock(left: timedelta, **changes: Any) -> dict[str, Any]:
    """A running clock that is due after `left`."""
    due_at = format_instant(NOW + left)
    base = {"name": "response", "state": "running", "due_at": due_at, "target": "PT24H", "paused_reasons": []}
    return {**base, **changes}


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(0), "0 秒"),
        (timedelta(seconds=59), "59 秒"),
        (timedelta(seconds=60), "1 分"),
        (timedelta(minutes=9, seconds=59), "9 分 59 秒"),
        (timedelta(minutes=10), "10 分"),
        (timedelta(minutes=10, seconds=59), "10 分"),
        (timedelta(minutes=59, seconds=59), "59 分"),
        (timedelta(hours=1), "1 小时"),
        (timedelta(hours=1, minutes=12), "1 小时 12 分"),
        (timedelta(hours=47, minutes=59), "47 小时 59 分"),
        (timedelta(hours=48), "2 天"),
        (timedelta(days=3, hours=4), "3 天 4 小时"),
    ],
)
def test_a_length_has_its_two_largest_units(left: timedelta, words: str) -> None:
    assert present().length(left) == words
    assert present().length(-left) == words


@pytest.mark.parametrize(
    ("left", "tone"),
    [
        (timedelta(hours=1), "running"),
        (timedelta(minutes=59, seconds=59), "soon"),
        (timedelta(0), "soon"),
        (timedelta(microseconds=-1), "late"),
        (timedelta(hours=-1), "late"),
    ],
)
def test_a_clock_is_in_time_until_its_due_instant_and_late_after_it(left: timedelta, tone: str) -> None:
    assert present().countdown(clock(left)).tone == tone


def test_english_says_in_and_late_by() -> None:
    assert present("en").countdown(clock(timedelta(hours=1, minutes=12))).text == "in 1 h 12 min"
    assert present("en").countdown(clock(timedelta(minutes=-5), state="breached")).text == "late by 5 min"


def test_a_paused_clock_has_its_reasons_and_no_due_time() -> None:
    shown = present().countdown(clock(timedelta(0), state="paused", due_at=None, paused_reasons=["customer", "parts"]))
    assert (shown.tone, shown.text, shown.due, shown.ticks) == ("paused", "暂停：等客户、等配件", None, False)


@pytest.mark.parametrize(
    ("target", "is_open", "tone"),
    [("PT2WH", False, "resting"), ("P1WD", False, "resting"), ("PT2WH", True, "running"), ("PT24H", False, "running"),
     ("P1W", False, "running")],
)  # fmt: skip
def test_only_working_time_stands_still_outside_working_hours(target: str, is_open: bool, tone: str) -> None:
    shown = present(cn=is_open).countdown(clock(timedelta(hours=5), target=target), "cn")
    assert shown.tone == tone


def test_a_late_clock_is_late_outside_working_hours_too() -> None:
    shown = present(cn=False).countdown(clock(timedelta(minutes=-1), target="PT2WH", state="breached"), "cn")
    assert shown.tone == "late"


def test_a_ticket_is_up_against_the_clock_that_is_due_first_and_a_paused_one_only_alone() -> None:
    paused = clock(timedelta(0), name="resolution", state="paused", due_at=None, paused_reasons=["parts"])
    first, second = clock(timedelta(hours=2)), clock(timedelta(hours=3), name="progress")
    met = clock(timedelta(hours=-9), name="acceptance", state="met")
    assert present().next_clock([second, paused, met, first]).name == "响应"
    assert present().next_clock([paused, met]).tone == "paused"
    assert present().next_clock([met]).tone == "none"


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        (datetime(2026, 11, 20, 6, 0, tzinfo=UTC), "Asia/Shanghai", "今天 14:00"),
        (datetime(2026, 11, 20, 15, 59, tzinfo=UTC), "Asia/Shanghai", "今天 23:59"),
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), "Asia/Shanghai", "明天 00:00"),
        (datetime(2026, 11, 19, 15, 59, tzinfo=UTC), "Asia/Shanghai", "昨天 23:59"),
        (datetime(2026, 11, 18, 15, 59, tzinfo=UTC), "Asia/Shanghai", "11-18 23:59"),
        (datetime(2025, 11, 18, 15, 59, tzinfo=UTC), "Asia/Shanghai", "2025-11-18 23:59"),
        (datetime(2026, 11, 20, 6, 0, tzinfo=UTC), "America/New_York", "今天 01:00"),
    ],
)
def test_an_instant_is_told_by_the_readers_day(at: datetime, zone: str, text: str) -> None:
    moment = present(zone=ZoneInfo(zone)).moment(format_instant(at))
    assert moment
    assert (moment.text, moment.iso) == (text, format_instant(at))


def ledger(
    started: timedelta, due: timedelta | None, segments: Sequence[tuple[float, float | None, str]]
) -> dict[str, Any]:
    """A clock of the ledger; segments in hours from its start."""
    start = NOW + started

    def at(hours: float | None) -> str | None:
        return None if hours is None else format_instant(start + timedelta(hours=hours))

    return {
        **clock(due or timedelta(0)),
        "due_at": format_instant(NOW + due) if due else None,
        "started_at": format_instant(start),
        "ended_at": None,
        "cycle": 1,
        "round": 1,
        "met_at": None,
        "breached_at": None,
        "detected_at": None,
        "retargeted_at": None,
        "excused_at": None,
        "explained": None,
        "cancel_reason": None,
        "paused_seconds": 0,
        "ran_seconds": 0,
        "overdue_seconds": None,
        "calendar": {"id": "cn"},
        "segments": [
            {
                "from": at(begins),
                "to": at(ends),
                "state": state,
                "reasons": ["parts"] if state == "paused" else [],
                "customer_replied_at": None,
            }
            for begins, ends, state in segments
        ],
    }


def test_the_bar_of_a_clock_half_way_is_half_full() -> None:
    shown = course(ledger(timedelta(hours=-2), timedelta(hours=2), [(0, None, "running")]), present())
    assert [(piece.x, piece.width, piece.state) for piece in shown.pieces] == [(0, WIDTH / 2, "running")]
    assert (shown.due_x, shown.now_x) == (WIDTH, WIDTH / 2)


def test_the_bar_of_a_late_clock_shows_what_came_after_the_due_time() -> None:
    shown = course(ledger(timedelta(hours=-4), timedelta(hours=-1), [(0, None, "running")]), present())
    assert [(piece.state, piece.width) for piece in shown.pieces] == [("running", 750), ("late", 250)]


def test_the_bar_shows_a_pause_as_a_pause() -> None:
    segments = [(0, 1, "running"), (1, None, "paused")]
    paused = {**ledger(timedelta(hours=-4), None, segments), "state": "paused", "target": "PT5H", "ran_seconds": 3600}
    shown = course(paused, present())
    assert [(piece.state, piece.width) for piece in shown.pieces] == [("running", 125), ("paused", 375)]
    assert shown.due_x is None


@pytest.mark.parametrize(
    ("target", "ran", "used", "left"),
    [
        ("PT24H", 45, 0.5, "23 小时 59 分"),
        ("PT24H", 12 * 3600, 500, "12 小时"),
        ("PT24H", 24 * 3600, 1000, ""),
        ("PT24H", 30 * 3600, 1000, ""),
        ("PT8WH", 4 * 3600, 500, "4 小时"),
        ("P2WD", 4 * 3600, 250, ""),
    ],
)
def test_the_bar_of_a_paused_clock_shows_what_it_has_left(target: str, ran: int, used: float, left: str) -> None:
    started = -timedelta(seconds=ran)
    segments = [(0, ran / 3600, "running"), (ran / 3600, None, "paused")]
    clock = {**ledger(started, None, segments), "state": "paused", "target": target, "ran_seconds": ran}
    shown = course(clock, present())
    assert shown.now_x == pytest.approx(used, abs=0.1)
    assert shown.left == left
    assert sum(piece.width for piece in shown.ahead) == pytest.approx(WIDTH - used, abs=1)
