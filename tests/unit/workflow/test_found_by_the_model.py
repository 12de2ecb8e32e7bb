"""Findings of random lives (`test_model.py`), each as one short life."""

from datetime import timedelta
from typing import Any

from services.contracts.policy import Policy
from services.contracts.vocabulary import ClockName, CommandName
from tests.reference import builders
from tests.reference.ticket_driver import WANG_FANG, Catalogue, DrivenTicket
from tests.unit.workflow.ticket_driver import DAY, HOUR, MONDAY_9, promises

C, K = CommandName, ClockName
FACTS = {"kind": "complaint", "category": "product_fault", "urgency": "normal", "tier": "standard", "channel": "web",
         "department": None, "affected_count": 1, "safety_risk": False}  # fmt: skip
SETTINGS: dict[str, Any] = {"callback_retry_after": "PT16H", "callback_attempts": 3}


def under(*targets: dict[ClockName, Any]) -> list[Policy]:
    """One version after the other of a policy with these targets."""
    return [promises(it, version=version, **SETTINGS) for version, it in enumerate(targets, start=1)]


def opened(policy: Policy) -> DrivenTicket:
    """A complaint, with calendars in force."""
    catalogue = Catalogue([policy])
    for id_ in builders.CALENDARS:
        catalogue.publish(builders.STORED[id_, 1])
    return DrivenTicket(catalogue, FACTS, MONDAY_9)


def resolved(policy: Policy) -> DrivenTicket:
    """The same, resolved an hour later."""
    ticket = opened(policy)
    ticket.wait_until(MONDAY_9 + HOUR)
    ticket.do(C.ACCEPT, WANG_FANG)
    ticket.do(C.RESOLVE, WANG_FANG, result="resolved")
    return ticket


def publish(ticket: DrivenTicket, policy: Policy) -> None:
    """Have the ticket live by this version."""
    ticket.catalogue.policies = [policy]
    ticket.recalculate()


def test_a_breach_is_excused_by_a_publication_that_promises_the_clock_no_more() -> None:
    strict, without = under({K.ACCEPTANCE: "PT2H", K.RESOLUTION: "P3D"}, {K.RESOLUTION: "P3D"})
    ticket = opened(strict)
    ticket.wait_until(MONDAY_9 + 3 * HOUR)
    publish(ticket, without)
    (acceptance,) = [clock for clock in ticket.finished() if clock.name is K.ACCEPTANCE]
    assert (acceptance.cancel_reason, acceptance.breached_at) == ("no_promise", MONDAY_9 + 2 * HOUR)
    assert acceptance.excused_at == ticket.now


def test_a_callback_that_was_promised_late_keeps_its_own_target_when_it_is_retargeted() -> None:
    first, second, third = under({K.RESOLUTION: "P3D"}, {K.CALLBACK: "PT24H"}, {K.CALLBACK: "PT30H"})
    ticket = resolved(first)
    publish(ticket, second)
    publish(ticket, third)
    (callback,) = ticket.state.clocks
    assert (callback.name, callback.due_at) == (K.CALLBACK, MONDAY_9 + 31 * HOUR)


def test_another_attempt_is_promised_when_a_policy_with_callbacks_applies_after_the_first_attempt() -> None:
    first, second = under({K.RESOLUTION: "P3D"}, {K.CALLBACK: "PT24H"})
    ticket = resolved(first)
    ticket.do(C.RECORD_CALLBACK, WANG_FANG, outcome="not_reached", channel="phone")
    assert not ticket.state.clocks
    ticket.wait_until(ticket.now + HOUR)
    publish(ticket, second)
    (callback,) = ticket.state.clocks
    assert (callback.name, callback.due_at) == (K.CALLBACK, ticket.now + timedelta(hours=16))


def test_the_second_callback_is_promised_when_a_policy_with_one_applies_after_the_first() -> None:
    first, second = under({K.RESOLUTION: "P3D"}, {K.SECOND_CALLBACK: "PT24H"})
    ticket = resolved(first)
    ticket.do(C.RECORD_CALLBACK, WANG_FANG, outcome="satisfied", channel="phone")
    publish(ticket, second)
    (callback,) = ticket.state.clocks
    assert (callback.name, callback.due_at) == (K.SECOND_CALLBACK, ticket.now + DAY)
