"""Messages between a ticket's workflow and `record`, the activity that writes its journal."""

from services.contracts.base import Instant, Message
from services.contracts.journal import Event
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock, DeadlineName, TicketState


class RecordRequest(Message):
    """One batch for the journal: everything since the last one, written in one transaction.

    `state.version` is the sequence number of the batch's last event; the journal must stand at
    `state.version - len(events)`. `clocks` are those that changed, finished ones included. `policy` is given when
    it changed; `unpromised` tells that it changed to none.
    """

    state: TicketState
    events: tuple[Event, ...]
    clocks: tuple[Clock, ...] = ()
    policy: PolicySnapshot | None = None
    unpromised: bool = False


class ClockSchedule(Message):
    """The instants of one clock, computed from its calendar; `due_at` is None while it stands still (7)."""

    key: str
    due_at: Instant | None
    warn_at: tuple[Instant, ...]
    calendar_version: int


class DeadlineSchedule(Message):
    """The instants of one deadline."""

    name: DeadlineName
    at: Instant
    reminders: tuple[Instant, ...]


class Schedule(Message):
    """The answer of `record`: the instants to wait for."""

    clocks: tuple[ClockSchedule, ...] = ()
    deadlines: tuple[DeadlineSchedule, ...] = ()


def apply_schedule(state: TicketState, schedule: Schedule) -> None:
    """Enter computed instants into the state. Workflow and `record` both do it, so that they agree to the letter."""
    clocks = {clock.key: clock for clock in state.clocks}
    for computed in schedule.clocks:
        clock = clocks[computed.key]
        clock.due_at, clock.warn_at = computed.due_at, computed.warn_at
        clock.calendar_version, clock.unscheduled = computed.calendar_version, False
    deadlines = {deadline.name: deadline for deadline in state.deadlines}
    for times in schedule.deadlines:
        deadlines[times.name].at, deadlines[times.name].reminders = times.at, times.reminders
