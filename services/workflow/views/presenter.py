"""A ticket put together for one caller: the row, its clocks, what they may do next, and the customer from intake."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.access.rights import require_right
from services.contracts.address import AddressInPart
from services.contracts.feedback import CustomerAsk
from services.contracts.permissions import Action, may, sees_contact
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock
from services.promises.calendars import Calendar
from services.promises.explanations import explain
from services.runtime.errors import NotFound
from services.runtime.http.paging import MOST, page, page_of
from services.runtime.security.auth import Caller
from services.runtime.service_client import ServiceClient
from services.workflow import due_times
from services.workflow.due_times import Calendars, calendar_of
from services.workflow.journal.arrivals import Arrivals
from services.workflow.policies.catalogue import Catalogue
from services.workflow.views.customer_reach import CustomerReach, ask_intake
from services.workflow.views.history import Stretch, TicketHistory
from services.workflow.views.known_tickets import KnownTickets
from services.workflow.views.queries import Left, Queries, Row, Rows, nobody_left
from services.workflow.views.ticket_row import TicketRow
from services.workflow.views.views import (
    ClockFacts,
    as_seen_by,
    ledger_view,
    other_view,
    stretch_view,
    ticket_view,
    timeline_item,
    totals_view,
)


@dataclass(frozen=True)
class LedgerFacts:
    """The clocks of a ticket, with whom it was, and the totals."""

    clocks: list[dict[str, Any]]
    departments: list[dict[str, Any]]
    totals: list[dict[str, Any]]


TICKET_NO = re.compile(r"[0-9]{11,20}")


@dataclass(frozen=True, kw_only=True)
class Showing:
    """Answers what a caller may see of tickets."""

    queries: Queries
    arrivals: Arrivals
    catalogue: Catalogue
    intake: ServiceClient
    reach: CustomerReach
    known: KnownTickets
    left: Left = nobody_left

    async def find(self, ticket_no: str, caller: Caller, action: Action = Action.READ_TICKET) -> TicketRow:
        """The ticket, if `caller` may do `action` on it.

        Raises:
            NotFound, Forbidden.
        """
        ticket = await self.existing(ticket_no)
        require_right(caller, action, ticket)
        return ticket

    async def find_shown(self, ticket_no: str, caller: Caller) -> TicketRow:
        """The ticket to show its view, if `caller` may read it.

        Raises:
            NotFound, Forbidden.
        """
        ticket = await self.queries.find_shown(ticket_no)
        if ticket is None:
            await self.fetch(ticket_no)
            ticket = await self.queries.require_shown(ticket_no)
        require_right(caller, Action.READ_TICKET, ticket)
        return ticket

    async def existing(self, ticket_no: str) -> TicketRow:
        """The ticket, whoever asks. One that the relay has not handed over yet is fetched from intake: from the 201 on,
        reads show it.

        Raises:
            NotFound: there is none.
        """
        return await self.queries.find(ticket_no) or await self.fetch(ticket_no)

    async def ticket(self, ticket: TicketRow, caller: Caller) -> dict[str, Any]:
        """The view of one ticket that was read to be shown; a contact shown in full is in intake's audit log by
        then."""
        (customer,) = await self._customers([ticket], caller, in_full=sees_contact(caller, ticket))
        reach = await self.reach.of(AddressInPart.model_validate(customer.pop("address")))
        view = as_seen_by(caller, ticket, ticket_view(ticket), await self.left())
        return {**view, "reach": reach.model_dump(mode="json"), "customer": customer}

    async def tickets(self, rows: Rows, caller: Caller) -> list[dict[str, Any]]:
        """The views of a page; contacts are masked in lists, whoever asks."""
        known = await self.known.of(rows)
        found = [each.ticket for each in known]
        customers, left = await self._customers(found, caller, in_full=False), await self.left()
        for customer in customers:
            del customer["address"]
        views = (as_seen_by(caller, each.ticket, each.view, left) for each in known)
        return [{**view, "reach": None, "customer": it} for view, it in zip(views, customers, strict=True)]

    async def _customers(self, found: Sequence[TicketRow], caller: Caller, *, in_full: bool) -> list[dict[str, Any]]:
        """The customers of some tickets, in their order, with their addresses in part."""
        if not found:
            return []
        asks = tuple(
            CustomerAsk(ticket_no=it.row["ticket_no"], customer_id=it.row["customer_id"], in_full=in_full)
            for it in found
        )
        return await ask_intake(self.intake, asks, caller.kind, caller.id)

    async def timeline(
        self, ticket: TicketRow, caller: Caller, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """The journal; texts are for those who handle the ticket and the auditor."""
        rows, following = await self.queries.timeline(ticket.row["ticket_no"], limit, cursor)
        with_texts = may(caller, Action.READ_NOTE, ticket)
        return [timeline_item(row, row["body"], with_texts=with_texts) for row in rows], following

    async def overview(self, ticket: TicketRow, caller: Caller, language: str) -> dict[str, Any]:
        """Everything that a page of one ticket shows of it, of a row that was read to be shown; a contact shown in full
        is logged once."""
        view, timeline, ledger, others = await asyncio.gather(
            self.ticket(ticket, caller),
            self.timeline(ticket, caller, MOST, None),
            self.ledger(ticket, language, MOST, None),
            self.queries.others(caller, ticket),
        )
        return {"ticket": view, "timeline": page(*timeline), "clocks": ledger, "others": list(map(other_view, others))}

    async def ledger(self, ticket: TicketRow, language: str, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of the clocks, with what is told of the whole ticket beside."""
        shown = await self.clocks(ticket, language)
        items = page_of(shown.clocks, lambda it: f"{it['name']}/{it['cycle']}/{it['round']}", limit, cursor)
        return {**items, "departments": shown.departments, "totals": shown.totals}

    async def clocks(self, ticket: TicketRow, language: str) -> LedgerFacts:
        """The ledger of every clock, each with a sentence that explains its due time; with whom the ticket was (16),
        and what its clocks took over all cycles (20)."""
        ticket_no = ticket.row["ticket_no"]
        rows, events = await asyncio.gather(self.queries.clocks_of(ticket_no), self.queries.course(ticket_no))
        course, now = TicketHistory(events), datetime.now(UTC)
        calendars = await self._calendars(rows)
        items = [ledger_view(_facts(row, calendars, course, language, now), now) for row in rows]
        policy = PolicySnapshot.model_validate(ticket.row["policy"]) if ticket.row["policy"] else None
        stretches = [stretch_view(it, _hours(it, policy, calendars), now) for it in course.stretches()]
        return LedgerFacts(items, stretches, totals_view(items, now))

    async def _calendars(self, rows: Rows) -> Calendars:
        versions = {(row["ledger"]["calendar"], row["ledger"]["calendar_version"]) for row in rows}
        return await self.catalogue.calendars_for({(id_, at) for id_, at in versions if at is not None})

    async def fetch(self, ticket_no: str) -> TicketRow:
        """A ticket that is still on its way from intake.

        Raises:
            NotFound: there is none.
        """
        if not TICKET_NO.fullmatch(ticket_no):
            raise NotFound({"en": f"no ticket {ticket_no}", "zh": f"没有工单 {ticket_no}"})
        await self.arrivals.fetch(ticket_no)
        return await self.queries.require(ticket_no)


def _facts(row: Row, calendars: Calendars, course: TicketHistory, language: str, now: datetime) -> ClockFacts:
    clock = Clock.model_validate(row["ledger"])
    calendar = calendar_of(clock, calendars)
    explanation = explain(clock, calendar)["zh-CN" if language.startswith("zh") else "en"]
    times = due_times.spent_by(clock, calendars, now)
    paused = due_times.paused_by(clock, calendars, now)
    # Past the last day that the calendar's country has announced (semantics.md 2).
    provisional = clock.due_at is not None and calendar.is_provisional(clock.due_at)
    return ClockFacts(clock, row, times, paused, course, provisional, explanation)


def _hours(stretch: Stretch, policy: PolicySnapshot | None, calendars: Calendars) -> Calendar:
    """The calendar by which a department works; where nothing is promised, or it is gone, every hour counts."""
    id_ = policy.calendar_of(stretch.department) if policy else "always"
    return calendars.get((id_, None)) or calendars["always", None]
