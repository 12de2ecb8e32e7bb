"""The numbers of an explanation add up: whoever re-adds what the sentences say reaches the due time that they name."""

import re
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.durations import parse_duration
from services.contracts.ticket import Clock, Segment
from services.contracts.vocabulary import ClockName, ClockState, Priority, WaitReason
from services.promises.clocks import due_at
from services.promises.explanations import explain
from tests.unit.promises.instants import CN, local

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FIRST = local("2026-09-21 00:00")
TARGETS = ["PT24H", "PT90M", "PT72H", "PT2WH", "PT8WH", "PT20WH", "P1WD", "P3WD", "P5WD"]
TIME = r"(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)"
OF_DAY = r"\d\d:\d\d(?::\d\d)?"


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    """A running clock with pauses, at any fraction of a second, across the National Day of 2026."""

    def fraction() -> timedelta:
        return timedelta(microseconds=draw(st.sampled_from([0, 1, 400_000, 500_000, 999_999, 30_000_001])))

    started_at = FIRST + draw(st.integers(0, 20 * 24 * 60)) * MINUTE + fraction()
    target = draw(st.sampled_from(TARGETS))
    segments, since, pauses = [], started_at, []
    for _ in range(draw(st.integers(0, 3))):
        begins = since + draw(st.integers(1, 2_000)) * MINUTE + fraction()
        ends = begins + draw(st.integers(1, 5_000)) * MINUTE + fraction()
        pauses.append((begins, ends))
        segments += [
            Segment(from_at=since, to_at=begins),
            Segment(from_at=begins, to_at=ends, reasons=(WaitReason.PARTS,)),
        ]
        since = ends
    return Clock(
        name=ClockName.RESOLUTION, cycle=1, state=ClockState.RUNNING, started_at=started_at, target=target,
        calendar="cn", calendar_version=1, policy="d0", policy_version=1, priority=Priority.MEDIUM,
        segments=[*segments, Segment(from_at=since)], due_at=due_at(started_at, parse_duration(target), pauses, CN),
    )  # fmt: skip


def length(text: str) -> timedelta:
    """Read "1 h 30 min of working time"."""
    units = {"h": "hours", "min": "minutes", "s": "seconds"}
    parts = re.findall(r"([\d.]+) (h|min|s)\b", text)
    return sum((timedelta(**{units[unit]: float(number)}) for number, unit in parts), timedelta(0))


def of_day(text: str) -> timedelta:
    """A time of the day, from its midnight."""
    hours, minutes, seconds = (*map(int, text.split(":")), 0)[:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def at(text: str) -> datetime:
    """A local time of the calendar."""
    return local(text)


@settings(max_examples=60, deadline=None)
@given(clocks())
def test_the_pieces_of_the_sentence_make_its_due_time(clock: Clock) -> None:
    told = explain(clock, CN)["en"]
    (due,) = re.findall(rf"Due {TIME}\.", told)
    due_at_ = clock.due_at.replace(microsecond=0) if clock.due_at else None
    assert at(due) == due_at_
    base = _base(told, clock)
    pauses = re.findall(rf"Paused {TIME} to {TIME} \(waiting for parts\): ([^.]+)\.", told)
    paused = sum((length(each) for *_, each in pauses), timedelta(0))
    if not pauses:
        assert base == due_at_
        return
    for begins, ends, each in pauses:
        assert between(clock, at(begins), at(ends)) == length(each)
    ((moved_from, moved_by, moved_to),) = re.findall(rf"\. {TIME} \+ ([^=]+) = {TIME}\. (?:On the way|Due)", told)
    assert (at(moved_from), length(moved_by), at(moved_to)) == (base, paused, due_at_)
    assert between(clock, base, at(due)) == paused


def between(clock: Clock, begins: datetime, ends: datetime) -> timedelta:
    """The clock's own time between two instants."""
    return CN.between(begins, ends) if "W" in clock.target else ends - begins


def _base(told: str, clock: Clock) -> datetime:
    """The instant to which the target alone leads, by the sentence's own numbers."""
    if "W" not in clock.target:
        wall = re.search(rf"Started {TIME}\. {TIME} \+ ([^=]+) = {TIME}\.", told)
        assert wall
        _, start, target, base = wall.groups()
        assert at(start) + length(target) == at(base)
        return at(base)
    if days := re.search(rf"Working days counted [^:]+: (.+); the last one closes {TIME}\.", told):
        counted = re.findall(r"(\d+): (\d{4}-\d\d-\d\d)", days[1])
        assert counted[-1] == (re.sub(r"\D", "", clock.target), days[2][:10])
        return at(days[2])
    opened = re.search(rf"Open time counted: (.+); reached {TIME}\.", told)
    assert opened
    pieces = re.findall(rf"({OF_DAY})–({OF_DAY}) \(([^)]+)\)", opened[1])
    for opens, closes, piece in pieces:
        assert of_day(closes) - of_day(opens) == length(piece)
    rest = re.search(r"then (.+) more", opened[1])
    counted_time = sum((length(piece) for *_, piece in pieces), length(rest[1]) if rest else timedelta(0))
    assert counted_time == parse_duration(clock.target).length
    return at(opened[2])


def verdict(**facts: object) -> str:
    """The words behind the due time of a clock with these facts."""
    due = local("2026-09-30 17:30")
    clock = Clock(
        name=ClockName.RESPONSE, cycle=1, started_at=due - 2 * HOUR, target="PT2H", calendar="cn", calendar_version=1,
        policy="d1", policy_version=2, priority=Priority.MEDIUM, due_at=due, segments=[Segment(from_at=due - 2 * HOUR)],
        **facts,
    )  # fmt: skip
    told = explain(clock, CN)
    assert all(told.values())
    return told["en"].partition("Due 2026-09-30 17:30.")[2].strip()


def test_what_became_of_the_promise_is_told_behind_it() -> None:
    met, late = local("2026-09-30 17:30"), local("2026-09-30 18:30")
    assert verdict() == ""
    assert verdict(state="met", met_at=met, ended_at=met) == "Met 2026-09-30 17:30, in time."
    assert verdict(state="breached", breached_at=met) == "Missed and not met yet."
    missed = {"state": "met_late", "breached_at": met, "met_at": late, "ended_at": late}
    assert verdict(**missed) == "Missed; met 2026-09-30 18:30."
    excused = "Excused 2026-09-30 18:30: by what was published then it would not have been missed."
    assert verdict(**missed, excused_at=late) == f"Missed; met 2026-09-30 18:30. {excused}"
    cancelled = verdict(state="cancelled", ended_at=late, cancel_reason="withdrawn")
    assert cancelled == "Cancelled 2026-09-30 18:30: the customer withdrew."


def test_a_date_by_appointment_has_no_target_to_count() -> None:
    clock = Clock(
        name=ClockName.RESPONSE, cycle=1, started_at=local("2026-09-30 17:30"), target="PT41H", by_promise=True,
        calendar="cn", calendar_version=1, policy="d1", policy_version=2, priority=Priority.LOW,
        promised_at=local("2026-10-02 10:30"), due_at=local("2026-10-02 10:30"),
        segments=[Segment(from_at=local("2026-09-30 17:30"))],
    )  # fmt: skip
    assert explain(clock, CN)["en"] == (
        "Response: by appointment, policy d1 version 2 sets no time of its own (times of calendar cn, Asia/Shanghai). "
        "Started 2026-09-30 17:30. In its place 2026-10-02 10:30 was promised. Due 2026-10-02 10:30."
    )


def test_a_new_target_is_said_to_count_from_the_old_start() -> None:
    due = local("2026-09-30 19:30")
    clock = Clock(
        name=ClockName.RESPONSE, cycle=1, started_at=due - 2 * HOUR, target="PT2H", calendar="cn", calendar_version=1,
        policy="d1", policy_version=2, priority=Priority.MEDIUM, due_at=due, segments=[Segment(from_at=due - 2 * HOUR)],
        retargeted_at=due - HOUR,
    )  # fmt: skip
    assert "Since 2026-09-30 18:30 by this target, counted from the old start. Started" in explain(clock, CN)["en"]
