"""Comparison of the real ticket with the slow one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Protocol

from services.contracts.base import format_instant
from services.contracts.ticket import Clock
from tests.reference.slow_clock import SlowClock
from tests.reference.slow_hours import NOTHING, Target
from tests.reference.slow_ticket import SlowTicket
from tests.reference.ticket_driver import DrivenTicket

SILENT = {"fields", "into", "reason_code", "result", "add"}
"""Parts of decisions that move no clock."""


class JournalEvent(Protocol):
    """An event of the journal."""

    @property
    def type(self) -> str:
        """The type of the event."""

    @property
    def at(self) -> datetime:
        """The instant at which it counts."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Codes and instants."""


def assert_same_clocks(
    live: Iterable[Clock], finished: Iterable[Clock], journal: Iterable[JournalEvent], slow: SlowTicket
) -> None:
    """The live ones to the last instant, the finished ones by their verdicts, the breaches one by one."""
    told = {str(it.name): _told(it) for it in live}
    assert sorted(told) == sorted(slow.clocks.live)
    for name, clock in slow.clocks.live.items():
        assert {name: told[name]} == {name: _expected(clock)}
    assert Counter(map(_verdict, finished)) == Counter(map(_expected_verdict, slow.clocks.over))
    breaches = Counter((event.data["clock"], event.at) for event in journal if event.type == "clock.breached")
    assert breaches == Counter((it.name, it.breached) for it in slow.clocks.breaches)


def assert_true_breaches(real: DrivenTicket) -> None:
    """Exactly one a clock, dated at its due instant, found afterwards (12, 24; invariant I10)."""
    told = [event for event in real.journal if event.type == "clock.breached"]
    for event in told:
        detected_at = datetime.fromisoformat(str(event.data["detected_at"]))
        assert event.data["due_at"] == format_instant(event.at)
        assert event.at < detected_at <= real.now
    keys = [tuple(event.data[name] for name in ("clock", "clock_cycle", "round")) for event in told]
    assert len(set(keys)) == len(keys)


def assert_somebody_watches(real: DrivenTicket) -> None:
    """An open ticket has a live clock, if its policy promises one for where it stands (invariant I9)."""
    state, policy = real.state, real.life.policy
    promised = {str(name) for name, it in policy.clocks.items() if it.target_for(state.urgency)} if policy else set()
    live = {str(clock.name) for clock in state.clocks}
    if state.status in {"pending", "processing"} and "resolution" in promised:
        assert "resolution" in live
    if state.phase == "resolved.awaiting_callback" and "callback" in promised:
        assert "callback" in live
    if state.phase == "resolved.awaiting_second_callback" and "second_callback" in promised:
        assert "second_callback" in live


def spent(clock: SlowClock) -> dict[str, int]:
    """Whole seconds of its own time that a finished clock ran, and ran too long."""
    ended = clock.ended or clock.started
    times = {"elapsed": int(clock.ran(ended).total_seconds())}
    if clock.breached and clock.breached < ended:
        overdue = Target(clock.target, clock.hours).own_time(clock.breached, ended)
        times["overdue"] = int(overdue.total_seconds())
    return times


def assert_same_ledger(item: Mapping[str, Any], slow: SlowClock) -> None:
    """A finished clock as `/clocks` shows it: stretches without gaps, which with the target make the due time."""
    instants = [
        (datetime.fromisoformat(it["from"]), datetime.fromisoformat(it["to"]), it["state"]) for it in item["segments"]
    ]
    assert instants[0][0] == slow.started
    assert all(before[1] == after[0] for before, after in pairwise(instants))
    assert instants[-1][1] == slow.ended
    paused = [(begins, ends) for begins, ends, state in instants if state == "paused" and begins < ends]
    assert paused == [(it.since, it.until) for it in slow.pauses if it.until != it.since]
    if item["due_at"] is None:
        return
    due = datetime.fromisoformat(item["due_at"])
    assert due == (slow.breached or slow.promised or slow.due_by_target()), item["name"]
    target = Target(slow.target, slow.hours)
    moving = sum((target.own_time(begins, ends) for begins, ends in paused if begins < due), NOTHING)
    if item["promised_at"] is None:
        assert target.later(target.after(slow.started), moving) == due
    told = due.astimezone(slow.hours.zone).replace(tzinfo=None, microsecond=0)
    whole_minute = "minutes" if told.second == 0 else "seconds"
    assert f"Due {told.isoformat(sep=' ', timespec=whole_minute)}." in item["explanation"]
    times = spent(slow)
    assert (item["elapsed_seconds"], item["overdue_seconds"] or 0) == (times["elapsed"], times.get("overdue", 0))


class Over:
    """Remembers finished clocks, which never change (11)."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}

    def assert_unchanged(self, real: DrivenTicket) -> None:
        """Each as it was when it ended, whatever happened since; only an excuse may be added (19)."""
        now = {it.key: it.model_dump(exclude={"excused_at"}) for it in real.finished()}
        assert {key: now.get(key) for key in self._seen} == self._seen
        self._seen = now


def _told(clock: Clock) -> dict[str, Any]:
    is_breached = clock.state == "breached"
    return {
        "cycle": clock.cycle,
        "state": str(clock.state),
        "started": clock.started_at,
        "due": clock.due_at,
        "warns": [] if is_breached else list(clock.warn_at),
        "pauses": [
            (it.from_at, it.to_at, frozenset(map(str, it.reasons)))
            for it in clock.segments
            if it.reasons and it.to_at != it.from_at
        ],
        "breached": clock.breached_at,
        "promised": None if is_breached else clock.promised_at,
        "calendar": clock.calendar,
        "excused": clock.excused_at is not None,
    }


def _expected(clock: SlowClock) -> dict[str, Any]:
    return {
        "cycle": clock.cycle,
        "state": clock.state,
        "started": clock.started,
        "due": clock.due(),
        "warns": clock.warn_instants(),
        "pauses": [(it.since, it.until, it.reasons) for it in clock.pauses if it.until != it.since],
        "breached": clock.breached,
        "promised": None if clock.breached else clock.promised,
        "calendar": clock.calendar,
        "excused": clock.excused,
    }


def _verdict(clock: Clock) -> tuple[Any, ...]:
    return (
        clock.name,
        clock.cycle,
        str(clock.state),
        clock.started_at,
        clock.met_at,
        clock.breached_at,
        clock.cancel_reason,
        clock.excused_at is not None,
    )


def _expected_verdict(clock: SlowClock) -> tuple[Any, ...]:
    return (
        clock.name,
        clock.cycle,
        clock.state,
        clock.started,
        clock.met,
        clock.breached,
        clock.cancelled,
        clock.excused,
    )
