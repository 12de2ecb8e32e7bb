"""The real ticket, driven without an engine: `Life` and its arithmetic, on published policies and calendars."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.contracts.base import format_instant
from services.contracts.commands.update import Command
from services.contracts.feedback import Product, Registration
from services.contracts.journal import Actor, Event
from services.contracts.policy import Policy, PolicySnapshot, StoredCalendar
from services.contracts.recording import RecordRequest
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import (
    ActorKind,
    Category,
    Channel,
    CommandName,
    Kind,
    ServiceStage,
    Status,
    Tier,
    Urgency,
)
from services.promises.calendars import Calendar
from services.promises.policies import PolicyFacts, choose, first_promises, snapshot
from services.promises.priority import priority_of
from services.workflow import due_times
from services.workflow.journal.registration import begin
from services.workflow.lifecycle import recalculation, steps, timers
from services.workflow.publications import trial as trials

LI_LEI = Actor(kind=ActorKind.STAFF, id="li-lei")
WANG_FANG = Actor(kind=ActorKind.STAFF, id="wang-fang")
TICKET_NO = "20260302001"
CHOOSES = {CommandName.ACCEPT, CommandName.ASSIGN, CommandName.RECLASSIFY, CommandName.SUPPLY_INFORMATION}
"""Commands that can make another policy apply."""
_ids = itertools.count(1)
_compiled: dict[tuple[str, int], Calendar] = {}


def compiled(stored: StoredCalendar) -> Calendar:
    """A calendar made ready once."""
    key = stored.id, stored.version
    if key not in _compiled:
        _compiled[key] = Calendar.compile(stored)
    return _compiled[key]


@dataclass
class Catalogue:
    """Publications: policies in the order tried, the newest version of each calendar, and all older ones."""

    policies: list[Policy]
    in_force: dict[str, Calendar] = field(default_factory=dict)
    stored: dict[tuple[str, int | None], Calendar] = field(default_factory=dict)
    generation: int = 0

    def publish(self, calendar: StoredCalendar) -> None:
        """Put a calendar version in force."""
        ready = compiled(calendar)
        self.in_force[calendar.id] = ready
        self.stored |= {(calendar.id, None): ready, (calendar.id, calendar.version): ready}


class DrivenTicket:
    """One ticket of 韩梅梅's. Every step is recorded at once, as the workflow does it."""

    def __init__(self, catalogue: Catalogue, facts: dict[str, Any], at: datetime, *, complete: bool = True) -> None:
        self.catalogue = catalogue
        self.now = at
        self.journal: list[Event] = []
        self.clocks: dict[str, Clock] = {}
        known = _facts(facts)
        policy = choose(catalogue.policies, known)
        registration = Registration(
            ticket_no=TICKET_NO,
            received_at=at,
            channel=known.channel,
            language="zh-CN",
            customer_id="han-meimei",
            tier=known.tier,
            product=Product(model="BCD-500"),
            service_stage=ServiceStage.AFTER_SALES,
            kind=known.kind,
            category=known.category,
            urgency=known.urgency,
            priority=known.priority,
            affected_count=facts["affected_count"],
            safety_risk=False,
            complete=complete,
            missing=() if complete else ("product.serial_no",),
            policy=snapshot(policy) if policy else None,
            promises=first_promises(policy, known, at, complete, catalogue.in_force) if policy else (),
        )
        self.life = begin(registration, None)
        self._record()

    @property
    def state(self) -> TicketState:
        """The ticket now."""
        return self.life.state

    def do(self, name: CommandName, actor: Actor = LI_LEI, **decision: Any) -> None:
        """Give a command now.

        Raises:
            IllegalCommand: nothing was changed.
        """
        chooses = name in CHOOSES
        if name is CommandName.RECORD_CALLBACK:
            decision["next_counts_from"] = format_instant(self._calendar().next_working_day(self.now))
        command = Command(
            id=f"c{next(_ids)}",
            name=name,
            actor=actor,
            decision=decision,
            policy=self._policy_for(name, decision) if chooses else None,
            policy_chosen=chooses,
        )
        steps.take(self.life, command, self.now)
        self.settle()

    def recalculate(self) -> None:
        """Carry a publication out: compute what follows for this ticket, and have the ticket do it."""
        self.catalogue.generation += 1
        if self.state.status is Status.CLOSED:
            return
        in_force = self.catalogue.in_force
        trial = trials.Trial(self.catalogue.policies, in_force, in_force, self.catalogue.generation)
        late = [clock for clock in self.finished() if clock.breached_at]
        ticket = trials.Tried(self.state.model_copy(deep=True), self.life.policy, late)
        asked = trials.recalculation(ticket, trial, self.now, f"p{self.catalogue.generation}")
        if not trials.changes_anything(ticket, asked):
            return
        recalculation.recalculate(self.life, asked, self.now)
        for key in asked.excused:
            self.clocks[key].excused_at = self.now
        self.settle()

    def wait_until(self, instant: datetime) -> None:
        """Let time pass with an engine that is always on time."""
        while (due_at := timers.next_instant(self.life)) is not None and due_at <= instant and not self.state.ended:
            self.now = max(due_at, self.now)
            self.settle()
        self.now = instant

    def sleep_until(self, instant: datetime) -> None:
        """Let time pass with an engine that is down until then."""
        self.now = instant
        self.settle()

    def settle(self) -> None:
        """Do what is due now, until nothing is."""
        self._record()
        while not self.state.ended:
            timers.settle(self.life, self.now)
            if not self._record():
                return

    def finished(self) -> list[Clock]:
        """The clocks that are over, as they were recorded."""
        return [clock for clock in self.clocks.values() if not clock.state.live]

    def _calendar(self) -> Calendar:
        """By which the service tells the working days of callback attempts."""
        policy = self.life.policy
        return self.catalogue.in_force[policy.calendar_of(self.state.department) if policy else "always"]

    def _policy_for(self, name: CommandName, decision: dict[str, Any]) -> PolicySnapshot | None:
        """The first that matches; but an open ticket keeps the version of it that it lives by (api.md, "Policy")."""
        policy, present = choose(self.catalogue.policies, self._facts_after(decision)), self.life.policy
        if policy and present and policy.id == present.id and name is not CommandName.ACCEPT:
            return present
        return snapshot(policy) if policy else None

    def _facts_after(self, decision: dict[str, Any]) -> PolicyFacts:
        state = self.state
        urgency = Urgency(decision.get("urgency", state.urgency))
        if decision.get("safety_risk") and not state.safety_risk:
            urgency = Urgency.URGENT
        affected = decision.get("affected_count", state.affected_count)
        return PolicyFacts(
            kind=Kind(decision.get("kind", state.kind)),
            category=Category(decision.get("category", state.category)),
            urgency=urgency,
            priority=priority_of(urgency, state.tier, affected),
            tier=state.tier,
            channel=state.channel,
            department=decision.get("department", state.department),
        )

    def _record(self) -> bool:
        """Record, as the activity does, arithmetic included; answers whether there was anything."""
        life, state = self.life, self.state
        lacks_instants = any(it.unscheduled for it in state.clocks) or any(it.at is None for it in state.deadlines)
        if not life.events and not life.ledger.touched and not lacks_instants:
            return False
        batch = RecordRequest.model_validate_json(life.take_batch().model_dump_json())
        life.enter(due_times.schedule(batch.state, self.catalogue.stored))
        live = {clock.key: clock.model_copy(deep=True) for clock in state.clocks}
        self.clocks |= {clock.key: clock for clock in batch.clocks} | live
        self.journal += batch.events
        return True


def _facts(facts: dict[str, Any]) -> PolicyFacts:
    urgency, tier = Urgency(facts["urgency"]), Tier(facts["tier"])
    return PolicyFacts(
        kind=Kind(facts["kind"]),
        category=Category(facts["category"]),
        urgency=urgency,
        priority=priority_of(urgency, tier, facts["affected_count"]),
        tier=tier,
        channel=Channel(facts["channel"]),
    )
