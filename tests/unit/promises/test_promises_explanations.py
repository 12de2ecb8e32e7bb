"""A due time is told so that it can be checked with a pocket calculator."""

from datetime import UTC, datetime

from services.contracts.ticket import Clock, Segment
from services.contracts.vocabulary import ClockName, ClockState, Priority, WaitReason
from services.promises.clocks import due_at
from services.promises.explanations import explain
from tests.unit.promises.instants import CN, calendar, lasting, local

STARTED = local("2026-09-30 17:30")


def clock(target: str, *pauses: tuple[str, str | None], promised_at: datetime | None = None) -> Clock:
    """An acceptance clock with its ledger and the due time that follows from it."""
    segments, since = [], STARTED
    for begins, ends in pauses:
        segments.append(Segment(from_at=since, to_at=local(begins)))
        since = local(ends) if ends else since
        segments.append(
            Segment(from_at=local(begins), to_at=local(ends) if ends else None, reasons=(WaitReason.CUSTOMER,))
        )
    stands_still = bool(pauses) and pauses[-1][1] is None
    ledger = [(local(begins), local(ends)) for begins, ends in pauses if ends]
    due = promised_at or due_at(STARTED, lasting(target), ledger, CN)
    return Clock(
        name=ClockName.ACCEPTANCE, cycle=1, started_at=STARTED, target=target, calendar="cn", calendar_version=1,
        policy="d0-standard", policy_version=3, priority=Priority.MEDIUM, due_at=None if stands_still else due,
        promised_at=promised_at, state=ClockState.PAUSED if stands_still else ClockState.RUNNING,
        segments=segments if stands_still else [*segments, Segment(from_at=since)],
    )  # fmt: skip


def test_working_hours_are_listed_opening_by_opening() -> None:
    assert explain(clock("PT2WH"), CN)["en"] == (
        "Acceptance: 2 h of working time (PT2WH) by policy d0-standard version 3, on calendar cn version 1 "
        "(Asia/Shanghai). Started 2026-09-30 17:30. Open time counted: 2026-09-30 17:30–18:00 (30 min), "
        "2026-10-08 09:00–10:30 (1 h 30 min); reached 2026-10-08 10:30. "
        "On the way: holiday 2026-10-01 to 2026-10-07 (National Day). Due 2026-10-08 10:30."
    )


def test_holidays_make_up_days_and_breaks_on_the_way_are_told_by_name() -> None:
    told = explain(clock("P3WD"), CN)
    way = "holiday 2026-10-01 to 2026-10-07 (National Day), workday 2026-10-10 (Make-up workday)"
    assert f"On the way: {way}." in told["en"]
    assert "其间：2026-10-01 至 2026-10-07 放假（国庆节）、2026-10-10 上班（调休上班）。" in told["zh-CN"]
    shop = calendar(
        holidays=["2026-10-01", "2026-10-05"],
        shifts={"2026-10-03": {"10:00": "11:00"}},
        breaks={"2026-10-02": {"09:00": "10:00"}},
    )
    assert (
        "On the way: holiday 2026-10-01, break 2026-10-02 09:00–10:00, hours of its own 2026-10-03, holiday 2026-10-05."
    ) in explain(clock("P4WD"), shop)["en"]


def test_where_nothing_is_special_on_the_way_nothing_is_said_of_it() -> None:
    assert "On the way" not in explain(clock("PT5WM"), CN)["en"]
    assert "On the way" not in explain(clock("PT240H"), CN)["en"]


def test_pauses_are_told_with_their_reason_and_added() -> None:
    told = explain(clock("PT2WH", ("2026-09-30 17:45", "2026-10-08 10:00")), CN)
    assert (
        "Paused 2026-09-30 17:45 to 2026-10-08 10:00 (waiting for the customer): 1 h 15 min of working time. "
        "2026-10-08 10:30 + 1 h 15 min of working time = 2026-10-08 11:45. "
        "On the way: holiday 2026-10-01 to 2026-10-07 (National Day). Due 2026-10-08 11:45."
    ) in told["en"]
    assert "暂停（等待客户）：1 小时 15 分（工作时间）。" in told["zh-CN"]


def test_wall_clock_time_is_a_sum() -> None:
    told = explain(clock("PT24H", ("2026-09-30 18:00", "2026-09-30 20:00")), CN)
    assert "2026-09-30 17:30 + 24 h = 2026-10-01 17:30." in told["en"]
    assert "2026-10-01 17:30 + 2 h = 2026-10-01 19:30. Due 2026-10-01 19:30." in told["en"]


def test_working_days_are_counted_by_date() -> None:
    told = explain(clock("P3WD"), CN)
    days = "0: 2026-09-30, 1: 2026-10-08, 2: 2026-10-09, 3: 2026-10-10"
    assert f"Working days counted from that of the start: {days}; the last one closes 2026-10-10 18:00." in told["en"]
    assert "到期时间 2026-10-10 18:00。" in told["zh-CN"]


def test_one_working_day_is_told_as_one() -> None:
    assert "Acceptance: 1 working day (P1WD)" in explain(clock("P1WD"), CN)["en"]
    assert "Acceptance: 3 working days (P3WD)" in explain(clock("P3WD"), CN)["en"]


def test_long_counts_are_cut_short_but_still_add_up() -> None:
    told = explain(clock("PT60WH"), CN)["en"]
    assert "2026-10-13 09:00–12:00 (3 h), 13:30–18:00 (4 h 30 min), " in told
    assert "then 19 h more; reached 2026-10-16 17:30." in told
    assert "… 9: 2026-10-19" in explain(clock("P9WD"), CN)["en"]


def test_a_start_outside_working_hours_is_said_to_be_one() -> None:
    late = clock("PT2WH").model_copy(update={"started_at": local("2026-09-30 18:00:05")})
    assert "Started 2026-09-30 18:00:05, outside working hours." in explain(late, CN)["en"]


def test_a_paused_clock_has_no_due_time() -> None:
    told = explain(clock("PT2WH", ("2026-09-30 17:45", None)), CN)["en"]
    assert told.endswith("Paused since 2026-09-30 17:45 (waiting for the customer): no due time until it runs again.")
    assert "Due" not in told


def test_a_promised_date_stands_in_for_the_target() -> None:
    promised = clock("PT2WH", ("2026-09-30 17:45", "2026-09-30 17:50"), promised_at=local("2026-10-09 12:00"))
    told = explain(promised, CN)["en"]
    assert told.endswith("In its place 2026-10-09 12:00 was promised. Due 2026-10-09 12:00.")
    assert "=" not in told


def test_past_the_announced_holidays_a_due_time_is_provisional() -> None:
    assert CN.official_until is not None
    assert f"Holidays are announced until {CN.official_until}: provisional." in explain(clock("P2000WD"), CN)["en"]


def test_seconds_are_told_where_there_are_any() -> None:
    told = explain(clock("PT5.5S"), CN)
    assert "2026-09-30 17:30 + 5.5 s = 2026-09-30 17:30:05.500000." in told["en"]


def test_fractions_of_a_second_are_cut_off() -> None:
    late = clock("PT24H").model_copy(update={"started_at": local("2026-09-30 17:30:05.987654")})
    assert "Started 2026-09-30 17:30:05. 2026-09-30 17:30:05 + 24 h = 2026-10-01 17:30:05." in explain(late, CN)["en"]


def test_a_calendar_at_its_end_is_said_to_be_one() -> None:
    fair = calendar(hours={}, shifts={"2026-09-30": {"09:00": "18:00"}})
    never = datetime(9999, 12, 31, 23, tzinfo=UTC)
    told = explain(clock("PT2WH").model_copy(update={"due_at": never}), fair)
    assert told["en"].endswith("The calendar has no opening time left to count that much. Due 9999-12-31 23:00.")
    assert "日历中剩余的工作时间不足。" in told["zh-CN"]


def test_a_target_of_no_time_is_due_at_once() -> None:
    for nothing in ("PT0S", "PT0WH", "P0WD"):
        assert explain(clock(nothing), CN)["en"].endswith("Due 2026-09-30 17:30.")
