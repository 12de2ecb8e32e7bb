"""Effects of a publication on one ticket (semantics.md 17, 19): new targets and calendars from the old starts on,
breaches excused, one event. No input or output; the workflow carries it out, `trial` finds out what it would do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.contracts.journal import EventType
from services.contracts.publication import Recalculation
from services.contracts.recording import Schedule
from services.contracts.ticket import TicketState
from services.contracts.vocabulary import ClockState
from services.workflow.lifecycle.late_promises import start_late_promises
from services.workflow.lifecycle.life import Life, instant, system


class Outdated(Exception):
    """The ticket has changed since the recalculation was computed, or a later publication came first."""


@dataclass(frozen=True)
class ClockStanding:
    """The promise of a live clock at one moment; no due time while it stands still."""

    target: str
    calendar: tuple[str, int | None]
    due_at: datetime | None


Standings = Mapping[str, ClockStanding]
"""By the clocks' keys."""


def recalculate(life: Life, asked: Recalculation, now: datetime) -> None:
    """Apply what is in force now. A promised date stays (18), a breach stays too.

    Raises:
        Outdated: nothing was changed; it must be computed anew.
    """
    require_current(life.state, asked)
    before, policy = standings(life.state), life.policy_name
    # First of all: a clock that is not promised any more ends below, and its breach is excused as well.
    excused = [*_excuse(life, asked.would_be_due, now), *asked.excused]
    retarget(life, asked, now)
    enter(life, asked.schedule, before, now)
    life.state.generation = asked.generation
    changes = changes_between(before, standings(life.state))
    if changes or excused or policy != life.policy_name:
        data = {"publication": asked.publication, "policy": life.policy_name, "changes": changes, "excused": excused}
        actor = system(life)
        life.command_id = asked.publication
        life.write(EventType.RECALCULATED, now, actor, life.state.phase, data)
        life.command_id = None


def require_current(state: TicketState, asked: Recalculation) -> None:
    """Refuse what was computed from another state, or by what is no longer in force.

    Raises:
        Outdated: it must be computed anew.
    """
    if asked.expected_version != state.version or asked.generation < state.generation:
        raise Outdated


def retarget(life: Life, asked: Recalculation, now: datetime) -> None:
    """Apply policy and calendars; the due times that follow are still to be entered."""
    life.ledger.retarget(asked.policy, now)
    # What starts now was dated where its due time was computed, for the event to tell both.
    start_late_promises(life, asked.at)
    life.ledger.recalendar(asked.versions)


def enter(life: Life, schedule: Schedule, before: Standings, now: datetime) -> None:
    """Enter due times; `record` computes those of clocks that `schedule` does not know."""
    unscheduled = {clock.key: clock for clock in life.state.clocks if clock.unscheduled}
    known = tuple(each for each in schedule.clocks if each.key in unscheduled)
    life.enter(Schedule(clocks=known))
    for each in known:
        if each.key in before and before[each.key].due_at != each.due_at:
            life.ledger.date(unscheduled[each.key], now)


def standings(state: TicketState) -> Standings:
    """Promises of the live clocks."""
    return {
        clock.key: ClockStanding(clock.target, (clock.calendar, clock.calendar_version), clock.due_at)
        for clock in state.clocks
    }


def changes_between(before: Standings, after: Standings) -> list[dict[str, Any]]:
    """Clocks that are due at another time, that came or went, or whose target or calendar changed while they stand
    still: their next due time will be another (I11)."""
    keys = dict.fromkeys([*before, *after])
    return [_change(key, before.get(key), after.get(key)) for key in keys if _moved(before.get(key), after.get(key))]


def _moved(before: ClockStanding | None, after: ClockStanding | None) -> bool:
    if before is None or after is None:
        return True
    if after.due_at is None:
        return before != after
    return before.due_at != after.due_at


def _change(key: str, before: ClockStanding | None, after: ClockStanding | None) -> dict[str, Any]:
    name, cycle, round_ = key.split("/")
    return {
        "clock": name,
        "cycle": int(cycle),
        "round": int(round_),
        "due_from": instant(before.due_at) if before else None,
        "due_to": instant(after.due_at) if after else None,
    }


def _excuse(life: Life, would_be_due: Mapping[str, datetime | None], now: datetime) -> list[str]:
    """Mark the breaches of unmet clocks that would not be late yet; answers their keys."""
    excused = []
    for clock in life.state.clocks:
        if clock.state is not ClockState.BREACHED or clock.key not in would_be_due or clock.excused_at is not None:
            continue
        until = would_be_due[clock.key]
        if until is None or until >= now:
            life.ledger.excuse(clock, now, until)
            excused.append(clock.key)
    return excused
