"""Three weeks of one complaint: two reopenings, three pauses, a holiday week between worked Saturdays, and a policy and
a calendar published in the middle. After every step the clocks that were stored are those of the slow reference."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.contracts.base import format_instant
from services.contracts.journal import Actor
from services.contracts.policy import ClockRule, Policy, PolicyDraft, StoredCalendar
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import ClockName, CommandName, Kind
from services.promises.policies import snapshot
from services.workflow import due_times
from services.workflow.policies.policy_store import PolicyRegister
from services.workflow.publications import trial as trials
from services.workflow.tables import clocks
from services.workflow.views.known_tickets import KnownTickets
from services.workflow.views.presenter import Showing
from services.workflow.views.queries import Queries
from tests.flow.ticket_harness import HAN_MEIMEI, LI_LEI, LIMIT, WANG_FANG, Ticket, TicketHarness
from tests.flow.working_weeks import WEEKDAYS, Week
from tests.reference import comparison
from tests.reference.slow_clocks import PromisesInForce
from tests.reference.slow_hours import Hours
from tests.reference.slow_ticket import SlowTicket

C, K = CommandName, ClockName
FACTS = {"kind": "complaint", "category": "product_fault", "urgency": "normal", "tier": "standard", "channel": "web",
         "department": None, "affected_count": 1, "safety_risk": False}  # fmt: skip
TARGETS = {
    K.ACCEPTANCE: "PT2WH",
    K.RESPONSE: "P1WD",
    K.PLAN: "PT24H",
    K.PROGRESS: "PT8WH",
    K.RESOLUTION: "P3WD",
    K.CALLBACK: "P1WD",
    K.SECOND_CALLBACK: "PT24H",
    K.CUSTOMER_WAIT: "PT4WH",
}
STRICTER = {**TARGETS, K.PROGRESS: "PT6WH", K.RESOLUTION: {"urgent": "PT24H", "*": "P2WD"}, K.CALLBACK: "PT20WH"}


class TicketWithReference:
    """The ticket and its reference, given the same commands at the same instants."""

    def __init__(self, ticket: Ticket, slow: SlowTicket) -> None:
        self.ticket, self.slow = ticket, slow

    async def at(self, instant: datetime, name: CommandName, actor: Actor = LI_LEI, **decision: Any) -> None:
        """Let time pass, give a command, and compare."""
        await self.pass_to(instant)
        while self.slow.owes_a_reason(name, actor.id):
            await self._do(C.EXPLAIN_BREACH, actor, clock=self.slow.owed[0].name)
        await self._do(name, actor, **decision)

    async def pass_to(self, instant: datetime) -> None:
        """Let time pass, and compare."""
        await self.ticket.move_to(instant)
        self.slow.pass_to(instant)
        await self.compare()

    async def recalculate(self, policy: Policy) -> None:
        """Have the ticket live by what is in force now."""
        in_force = await self.ticket.harness.catalogue.in_force()
        trial = trials.Trial([policy], in_force.calendars, in_force.calendars, generation=in_force.promises.generation)
        row, stored = await self.ticket.row(), await self._stored()
        late = [clock for clock in stored if not clock.state.live and clock.breached_at]
        ticket = trials.Tried(TicketState.model_validate(row["state"]), self.ticket.harness.policy, late)
        asked = trials.recalculation(ticket, trial, await self.ticket.now(), f"publication-of-{policy.id}")
        await self.ticket.harness.engine.recalculate(self.ticket.ticket_no, asked, LIMIT)
        self.slow.pass_to((await self.ticket.events())[-1]["at"])
        self.slow.recalculate()
        await self.compare()

    async def compare(self) -> None:
        """The clocks, breaches, phase and cycle that are stored."""
        row, stored, journal = await self.ticket.row(), await self._stored(), await self.ticket.events()
        live = [clock for clock in stored if clock.state.live]
        finished = [clock for clock in stored if not clock.state.live]
        assert (row["phase"], row["cycle"]) == (self.slow.phase, self.slow.cycle)
        comparison.assert_same_clocks(live, finished, map(_Stored, journal), self.slow)

    async def compare_times(self) -> None:
        """Compare how long each clock ran, and how much too long, in its own time: what `/clocks` shows (11, 12)."""
        catalogue, stored = self.ticket.harness.catalogue, await self._stored()
        generation = (await catalogue.in_force()).promises.generation
        versions = {(it.calendar, it.calendar_version) for it in stored if it.calendar_version is not None}
        calendars = await catalogue.calendars_for(versions, generation)
        expected = {(it.name, it.cycle, it.started): it for it in self.slow.clocks.over}
        assert len(expected) == len(stored)
        for clock in stored:
            slow = expected[str(clock.name), clock.cycle, clock.started_at]
            assert due_times.spent(clock, calendars) == comparison.spent(slow), clock.key

    async def compare_ledger(self) -> None:
        """Compare what `GET /v1/tickets/{no}/clocks` answers: due times, pauses, times spent, and sentences that name
        them."""
        database, catalogue = self.ticket.harness.database, self.ticket.harness.catalogue
        unused: Any = None
        queries = Queries(database)
        showing = Showing(
            queries=queries,
            arrivals=unused,
            catalogue=catalogue,
            intake=unused,
            reach=unused,
            known=KnownTickets(queries),
        )
        facts = await showing.clocks(await showing.existing(self.ticket.ticket_no), "en")
        expected = {(it.name, it.cycle, it.started): it for it in self.slow.clocks.over}
        assert len(facts.clocks) == len(expected)
        for item in facts.clocks:
            slow = expected[str(item["name"]), item["cycle"], datetime.fromisoformat(item["started_at"])]
            comparison.assert_same_ledger(item, slow)

    async def _do(self, name: CommandName, actor: Actor, **decision: Any) -> None:
        # Time may have written something behind the command already.
        version = await self.ticket.do(name, actor, **decision)
        self.slow.pass_to((await self.ticket.events())[version - 1]["at"])
        told: dict[str, Any] = {"customer_channels": []} if name is C.RECORD_CALLBACK else {}
        self.slow.do(str(name), told | {key: it for key, it in decision.items() if key not in comparison.SILENT})
        await self.compare()

    async def _stored(self) -> list[Clock]:
        query = select(clocks.c.ledger).where(clocks.c.ticket_no == self.ticket.ticket_no)
        async with self.ticket.harness.database.read() as connection:
            return [Clock.model_validate(ledger) for ledger in await connection.scalars(query)]


class _Stored:
    """A row of the journal as an event."""

    def __init__(self, row: Any) -> None:
        self.type, self.at, self.data = str(row["type"]), row["at"], row["data"]


def rules(targets: dict[ClockName, Any]) -> dict[ClockName, ClockRule]:
    """Promises of these targets."""
    return {name: ClockRule(target=target, warn_at=(0.5, "PT1WH")) for name, target in targets.items()}


def calendar(week: Week, *make_up: tuple[str, int]) -> Any:
    """The second week is a holiday; these Saturdays are worked instead."""
    holiday = tuple(week.day(day, weeks=1) for day in WEEKDAYS[:5])
    return week.calendar(holidays=holiday, make_up_days=tuple(week.day(day, weeks=weeks) for day, weeks in make_up))


async def test_every_clock_of_three_weeks_is_the_references(harness: TicketHarness) -> None:
    week = Week()
    first = calendar(week, ("sat", 0), ("sat", 1))
    await harness.promise(rules(TARGETS), first)
    assert harness.policy is not None
    id_ = harness.policy.id
    in_force = PromisesInForce([Policy(id=id_, version=1, calendar=id_, clocks=rules(TARGETS))], {id_: Hours(first)})
    in_force.calendars["always"] = Hours((await harness.catalogue.in_force()).promises.calendars[0])
    received_at = week.at("mon", "10:00")
    ticket = await harness.open(kind=Kind.COMPLAINT, received_at=received_at)
    both = TicketWithReference(ticket, SlowTicket(in_force, FACTS, received_at))

    await both.at(week.at("mon", "11:30"), C.ACCEPT, complex=True, owner="li-lei")
    await both.at(week.at("mon", "14:00"), C.RESPOND)
    await both.at(week.at("mon", "16:00"), C.PLAN)
    await both.at(week.at("tue", "09:30"), C.APPROVE_PLAN, WANG_FANG)
    await both.at(week.at("tue", "10:00"), C.WAIT, reason="customer")
    await both.at(week.at("wed", "15:00"), C.CUSTOMER_MESSAGE, HAN_MEIMEI)
    await both.at(week.at("wed", "16:00"), C.PROGRESS, visible=True)
    parts_come = format_instant(week.at("sat", "10:00"))
    await both.at(week.at("thu", "11:00"), C.WAIT, reason="parts", until=parts_come)
    await both.at(week.at("sat", "11:00"), C.PROGRESS, visible=True)
    await both.at(week.at("sat", "16:00"), C.RESOLVE, result="resolved")
    await both.at(week.at("sat", "10:00", weeks=1), C.RECORD_CALLBACK, outcome="dissatisfied", channel="phone")
    await both.pass_to(week.at("mon", "14:00", weeks=2))

    second = calendar(week, ("sat", 0), ("sat", 1), ("sat", 2))
    stored = StoredCalendar(**second.model_dump(), id=id_, version=1)
    await harness.catalogue.put_calendar(id_, stored, publish=True, if_match=None)
    draft = PolicyDraft.model_validate({"calendar": id_, "clocks": rules(STRICTER)})
    stricter = await PolicyRegister(harness.database).put(id_, draft, publish=True, if_match=None)
    in_force.policies, in_force.calendars[id_] = [stricter], Hours(second)
    await both.recalculate(stricter)
    harness.policy = snapshot(stricter)

    await both.at(week.at("mon", "15:00", weeks=2), C.WAIT, reason="third_party")
    await both.at(week.at("wed", "14:00", weeks=2), C.RESUME)
    await both.at(week.at("wed", "15:00", weeks=2), C.RESOLVE, result="resolved")
    await both.at(week.at("thu", "10:00", weeks=2), C.RECORD_CALLBACK, outcome="satisfied", channel="phone")
    await both.at(
        week.at("fri", "09:30", weeks=2), C.RECORD_CALLBACK, WANG_FANG, outcome="residual_issue", channel="phone"
    )
    await both.pass_to(week.at("sat", "17:00", weeks=2))
    await both.at(week.at("sat", "17:30", weeks=2), C.RESOLVE, result="partly_resolved")
    await both.at(week.at("mon", "11:00", weeks=3), C.RECORD_CALLBACK, outcome="satisfied", channel="phone")
    await both.at(week.at("tue", "10:00", weeks=3), C.RECORD_CALLBACK, WANG_FANG, outcome="satisfied", channel="phone")

    assert await ticket.phase() == "closed"
    assert (await ticket.row())["cycle"] == 3
    assert {"resumed", "reopened", "recalculated"} <= {it["type"].partition(".")[2] for it in await ticket.events()}
    assert len(both.slow.clocks.breaches) >= 1
    await both.compare_times()
    await both.compare_ledger()
