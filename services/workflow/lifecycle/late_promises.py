"""Promises of a policy that applies only since now: from where its clocks start, in whatever state the ticket is."""

from collections.abc import Iterator
from datetime import datetime

from services.contracts.policy import PolicySettings, SecondCallbackFrom
from services.contracts.ticket import PlanState, TicketState
from services.contracts.vocabulary import ClockName, Kind, Status, WaitReason
from services.workflow.lifecycle.life import Life


def start_late_promises(life: Life, now: datetime) -> None:
    """A policy that applies only since now promises from where its clocks start, as they say (product.md 5)."""
    state = life.state
    settings = life.settings
    is_resolved = state.status is Status.RESOLVED
    owed = _late_callbacks(state, settings, now) if is_resolved else _late_promises(state, now)
    for name, since in owed:
        if life.ledger.live(name) is None:
            retry = settings.callback_retry_after if name is _tried_again(state) else None
            life.ledger.start(name, since, round_=state.version + 1, target=retry)


def _late_promises(state: TicketState, now: datetime) -> Iterator[tuple[ClockName, datetime]]:
    """Every clock that an unresolved ticket in this state owes, and since when. In a later cycle the resolution counts
    from the reopening, and the response is not armed again (20)."""
    if began_at := state.began_at:
        yield ClockName.RESOLUTION, began_at
        if state.status is Status.PENDING:
            yield ClockName.ACCEPTANCE, began_at
    if _was_never_asked(state):
        yield ClockName.INFORMATION_REQUEST, state.received_at
    if state.cycle == 1 and state.responded_at is None:
        yield ClockName.RESPONSE, state.received_at
    if state.status is Status.PROCESSING:
        yield ClockName.PROGRESS, now
    if state.status is Status.PROCESSING and state.complex and state.plan is not PlanState.APPROVED:
        yield ClockName.PLAN, now


def _was_never_asked(state: TicketState) -> bool:
    """A feedback that was incomplete from the start, still is, and about which nobody has asked the customer."""
    if state.status is not Status.PENDING or state.cycle > 1 or state.complete:
        return False
    reasons = {wait.reason for wait in state.waits} | {reason for wait in state.waited for reason in wait.reasons}
    return WaitReason.CUSTOMER not in reasons


def _late_callbacks(
    state: TicketState, settings: PolicySettings, now: datetime
) -> Iterator[tuple[ClockName, datetime]]:
    """The callback that a resolved ticket waits for (invariant I9): the first counts from the resolution, an attempt
    after another from now. A second one that is promised from the resolution is owed from there on, whatever the first
    brings."""
    resolved_at = state.resolved_at or now
    from_resolution = settings.second_callback_from is SecondCallbackFrom.RESOLUTION
    if _tried_again(state):
        yield state.awaited_callback, now
    elif state.first_callback_satisfied:
        yield ClockName.SECOND_CALLBACK, resolved_at if from_resolution else now
    else:
        yield ClockName.CALLBACK, resolved_at
    if from_resolution and state.kind is Kind.COMPLAINT and not state.first_callback_satisfied:
        yield ClockName.SECOND_CALLBACK, resolved_at


def _tried_again(state: TicketState) -> ClockName | None:
    """The callback that was tried and is to be tried again, if there is one."""
    is_tried_again = state.status is Status.RESOLVED and state.callback_attempts > 0
    return state.awaited_callback if is_tried_again else None
