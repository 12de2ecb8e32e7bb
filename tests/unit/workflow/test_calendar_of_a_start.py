"""The version of a calendar belongs to the moment at which its clock started or was retargeted (invariant I11)."""

from datetime import timedelta
from typing import Any

from services.contracts.policy import Policy
from services.contracts.ticket import Clock
from services.contracts.vocabulary import ClockName, ClockState, CommandName
from tests.reference import builders
from tests.reference.ticket_driver import Catalogue, DrivenTicket
from tests.unit.workflow.test_found_by_the_model import FACTS
from tests.unit.workflow.ticket_driver import HOUR, MINUTE, MONDAY_9, promises

C, K = CommandName, ClockName
PROMISED = {K.PROGRESS: "P1WD", K.RESOLUTION: "P1WD"}
OFFICE = promises(PROMISED, calendar="office")
NIGHTS_FOR_FIELD = OFFICE.model_copy(update={"calendars": {"field": "nights"}})


def waiting(policy: Policy, *, calendars: int = 1) -> DrivenTicket:
    """Accepted on Monday at 09:00, and waiting for the customer."""
    catalogue = Catalogue([policy])
    publish(catalogue, calendars)
    ticket = DrivenTicket(catalogue, FACTS, MONDAY_9)
    ticket.do(C.ACCEPT)
    ticket.do(C.WAIT, reason="customer")
    return ticket


def publish(catalogue: Catalogue, version: int) -> None:
    """For clocks that start from now on: the second version has another holiday on Tuesday."""
    for id_ in builders.CALENDARS:
        catalogue.publish(builders.STORED[id_, version])


def wait(ticket: DrivenTicket, length: timedelta) -> None:
    """Let time pass."""
    ticket.wait_until(ticket.now + length)


def live(ticket: DrivenTicket, name: ClockName) -> Clock:
    """The clock, which runs or stands still."""
    (clock,) = [clock for clock in ticket.state.clocks if clock.name is name]
    return clock


def resumed(ticket: DrivenTicket, *, published: int | None = None) -> Clock:
    """The progress clock of a ticket that was told of progress while it waited, and goes on an hour later."""
    wait(ticket, HOUR)
    ticket.do(C.PROGRESS, visible=True)
    assert live(ticket, K.PROGRESS).state is ClockState.PAUSED
    if published:
        publish(ticket.catalogue, published)
    wait(ticket, HOUR)
    ticket.do(C.RESUME)
    return live(ticket, K.PROGRESS)


def test_a_clock_that_starts_while_it_stands_still_has_its_version_and_no_due_time() -> None:
    ticket = waiting(OFFICE)
    ticket.do(C.PROGRESS, visible=True)
    clock = live(ticket, K.PROGRESS)
    assert (clock.state, clock.calendar_version, clock.due_at, clock.warn_at) == (ClockState.PAUSED, 1, None, ())
    assert not clock.unscheduled


def test_what_is_published_while_a_clock_stands_still_moves_no_promise_that_was_made_before() -> None:
    undisturbed, overtaken = resumed(waiting(OFFICE)), resumed(waiting(OFFICE), published=2)
    assert (overtaken.due_at, overtaken.calendar_version) == (undisturbed.due_at, 1)
    assert overtaken.due_at != resumed(waiting(OFFICE, calendars=2)).due_at


def test_a_clock_that_is_retargeted_while_it_stands_still_has_the_version_of_then() -> None:
    ticket = waiting(NIGHTS_FOR_FIELD, calendars=2)
    publish(ticket.catalogue, 1)
    ticket.do(C.ASSIGN, department="field")
    clock = live(ticket, K.RESOLUTION)
    assert (clock.calendar, clock.calendar_version, clock.due_at) == ("nights", 1, None)
    publish(ticket.catalogue, 2)
    wait(ticket, MINUTE)
    ticket.do(C.RESUME)
    assert (live(ticket, K.RESOLUTION).calendar_version, live(ticket, K.PROGRESS).calendar_version) == (1, 1)


def test_a_publication_for_open_tickets_is_counted_by_and_entered_though_the_clock_stands_still() -> None:
    ticket = waiting(OFFICE)
    ticket.do(C.PROGRESS, visible=True)
    publish(ticket.catalogue, 2)
    ticket.recalculate()
    assert live(ticket, K.PROGRESS).calendar_version == 2
    (event,) = [event for event in ticket.journal if event.type == "ticket.recalculated"]
    changes: Any = event.data["changes"]
    assert {(it["clock"], it["due_from"], it["due_to"]) for it in changes} == {
        ("progress", None, None), ("resolution", None, None)}  # fmt: skip
