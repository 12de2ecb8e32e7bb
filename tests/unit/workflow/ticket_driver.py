"""A ticket's life without an engine: time is a number, `record` is a dictionary."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contracts.commands.update import Command
from services.contracts.feedback import Product, Registration
from services.contracts.journal import Actor, Event
from services.contracts.policy import ClockRule, Policy, PolicySettings, StoredCalendar
from services.contracts.recording import RecordRequest
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import (
    ActorKind,
    Category,
    Channel,
    ClockName,
    ClockState,
    CommandName,
    Kind,
    Phase,
    Priority,
    ServiceStage,
    Tier,
    Urgency,
)
from services.promises.calendars import Calendar
from services.promises.policies import PolicyFacts, built_in, first_promises, snapshot
from services.workflow import due_times
from services.workflow.journal.registration import begin
from services.workflow.lifecycle import steps, timers

LI_LEI = Actor(kind=ActorKind.STAFF, id="li-lei")
WANG_FANG = Actor(kind=ActorKind.STAFF, id="wang-fang")
HAN_MEIMEI = Actor(kind=ActorKind.CUSTOMER, id="han-meimei")

MONDAY_9 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""09:00 of a Monday in Shanghai, in a week without holidays."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)

_stored: tuple[StoredCalendar, ...] = built_in().calendars
BY_ID: Mapping[str, Calendar] = {stored.id: Calendar.compile(stored) for stored in _stored}
CALENDARS: due_times.Calendars = {(id_, version): it for id_, it in BY_ID.items() for version in (None, 1)}
_ids = itertools.count(1)

HOURS: Mapping[ClockName, str] = {
    ClockName.ACCEPTANCE: "PT2H",
    ClockName.INFORMATION_REQUEST: "PT8H",
    ClockName.RESPONSE: "PT24H",
    ClockName.PLAN: "PT24H",
    ClockName.PROGRESS: "PT24H",
    ClockName.RESOLUTION: "PT72H",
    ClockName.CALLBACK: "PT24H",
    ClockName.SECOND_CALLBACK: "PT24H",
    ClockName.CUSTOMER_WAIT: "PT4H",
}

HANDLING = {ClockName.PROGRESS: "PT24H"}
"""Nothing but progress is promised."""


def promises(
    targets: Mapping[ClockName, Any] = HOURS,
    *,
    calendar: str = "always",
    warn_at: tuple[float | str, ...] = (),
    version: int = 1,
    **settings: Any,
) -> Policy:
    """A policy of these targets; without `warn_at` nothing warns."""
    return Policy(
        id="test",
        version=version,
        calendar=calendar,
        clocks={name: ClockRule(target=target, warn_at=warn_at) for name, target in targets.items()},
        settings=PolicySettings(**settings),
    )


NO_PROMISE = promises({})


class Case:
    """One ticket of 韩梅梅's. Every step is recorded at once, as the workflow does it."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        kind: Kind = Kind.FAULT,
        urgency: Urgency = Urgency.NORMAL,
        complete: bool = True,
        at: datetime = MONDAY_9,
    ) -> None:
        self.policy = policy or promises()
        facts = PolicyFacts(kind, Category.PRODUCT_FAULT, urgency, Priority.MEDIUM, Tier.STANDARD, Channel.WEB)
        registration = Registration(
            ticket_no="20260302001",
            received_at=at,
            channel=Channel.WEB,
            language="zh-CN",
            customer_id=HAN_MEIMEI.id,
            tier=Tier.STANDARD,
            product=Product(model="BCD-500"),
            service_stage=ServiceStage.AFTER_SALES,
            kind=kind,
            category=Category.PRODUCT_FAULT,
            urgency=urgency,
            priority=Priority.MEDIUM,
            affected_count=1,
            safety_risk=False,
            complete=complete,
            missing=() if complete else ("product.serial_no",),
            policy=snapshot(self.policy),
            promises=first_promises(self.policy, facts, at, complete, BY_ID),
        )
        self.life = begin(registration, None)
        self.now = at
        self.journal: list[Event] = []
        self.clocks: dict[str, Clock] = {clock.key: clock.model_copy(deep=True) for clock in self.state.clocks}
        self._record()

    @property
    def state(self) -> TicketState:
        """The ticket now."""
        return self.life.state

    @property
    def phase(self) -> Phase:
        """The ticket's phase."""
        return self.state.phase

    def do(
        self,
        name: CommandName,
        actor: Actor = LI_LEI,
        *,
        after: timedelta = timedelta(0),
        choose: bool = False,
        **decision: Any,
    ) -> "Case":
        """Let time pass, then give a command; with `choose`, the policy is chosen anew for it, as for an acceptance."""
        self.wait(after)
        chosen = choose or name is CommandName.ACCEPT
        command = Command(
            id=f"c{next(_ids)}",
            name=name,
            actor=actor,
            decision=decision,
            policy=snapshot(self.policy) if chosen else None,
            policy_chosen=chosen,
        )
        steps.take(self.life, command, self.now)
        self._record()
        return self

    def wait(self, length: timedelta) -> "Case":
        """Let time pass with an engine that is always on time."""
        return self.wait_until(self.now + length)

    def wait_until(self, instant: datetime) -> "Case":
        """Let time pass until `instant`."""
        assert instant >= self.now
        while (due_at := timers.next_instant(self.life)) is not None and due_at <= instant:
            self.now = max(due_at, self.now)
            self._settle()
            if self.state.ended:
                break
        self.now = instant
        return self

    def sleep(self, length: timedelta) -> "Case":
        """Let time pass with an engine that is down until the end."""
        self.now += length
        self._settle()
        return self

    def clock(self, name: ClockName, *, cycle: int | None = None, round_: int | None = None) -> Clock:
        """The newest clock of a name, or of one cycle or round, as it was recorded."""
        found = [
            clock
            for clock in self.clocks.values()
            if clock.name is name and cycle in {None, clock.cycle} and round_ in {None, clock.round}
        ]
        return max(found, key=lambda clock: (clock.cycle, clock.round))

    def state_of(self, name: ClockName, **which: int) -> ClockState:
        """The state of such a clock."""
        return self.clock(name, **which).state

    def has(self, name: ClockName) -> bool:
        """Whether such a clock runs, pauses or is breached."""
        return self.life.ledger.live(name) is not None

    def types(self) -> list[str]:
        """Types of the journal's events, without the prefixes."""
        return [str(event.type).partition(".")[2] for event in self.journal]

    def events(self, type_: str) -> list[Event]:
        """The journal's events of a type."""
        return [event for event in self.journal if event.type == type_]

    def breaches(self) -> list[str]:
        """Names of the clocks that were breached, in the order of the journal."""
        return [str(event.data["clock"]) for event in self.events("clock.breached")]

    def _settle(self) -> None:
        while True:
            timers.settle(self.life, self.now)
            if not self._record():
                return

    def _record(self) -> bool:
        """Record, as the activity does, arithmetic included; answers whether there was anything."""
        life, state = self.life, self.state
        lacks_instants = any(it.unscheduled for it in state.clocks) or any(it.at is None for it in state.deadlines)
        if not life.events and not life.ledger.touched and not lacks_instants:
            return False
        batch = RecordRequest.model_validate_json(life.take_batch().model_dump_json())
        life.enter(due_times.schedule(batch.state, CALENDARS))
        live = {clock.key: clock.model_copy(deep=True) for clock in state.clocks}
        self.clocks |= {clock.key: clock for clock in batch.clocks} | live
        self.journal += batch.events
        return True


def assert_legal_journal(events: list[Event]) -> None:
    """Sequence 1..n without gaps, each event beginning where the one before ended (invariant I7), and no clock's
    event while the ticket is closed (I10)."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[0].from_phase is None
    for before, event in itertools.pairwise(events):
        assert event.from_phase is before.to_phase, event
        if event.from_phase is Phase.CLOSED:
            assert event.type not in {"clock.warned", "clock.breached"}, event
