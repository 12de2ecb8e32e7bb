"""What a policy promises that applies only since now: from where its clocks start, in whatever state the ticket is."""

from collections.abc import Iterator
from datetime import datetime

from services.contracts.policy import PolicySettings
from services.contracts.ticket import PlanState, TicketState
from services.contracts.words import ClockName, Status
from services.workflow.life import Life


def start_late_promises(life: Life, now: datetime) -> None:
    """A policy that applies only since now promises from where its clocks start, as they say (product.md 5)."""
    state = life.state
    is_resolved = state.status is Status.RESOLVED
    settings = life.policy.settings if life.policy else PolicySettings()
    retry = settings.callback_retry_after if is_resolved and state.callback_attempts else None
    owed = _late_callbacks(life, now) if is_resolved else _late_promises(state, now)
    for name, since in owed:
        if life.ledger.live(name) is None:
            life.ledger.start(name, since, round_=state.version + 1, target=retry)


def _late_promises(state: TicketState, now: datetime) -> Iterator[tuple[ClockName, datetime]]:
    """Every clock that an unresolved ticket in this state owes, and since when. In a later cycle the resolution counts
    from the reopening, and the response is not armed again (20)."""
    if began_at := state.began_at:
        yield ClockName.RESOLUTION, began_at
        if state.status is Status.PENDING:
            yield ClockName.ACCEPTANCE, began_at
    if state.cycle == 1 and state.responded_at is None:
        yield ClockName.RESPONSE, state.received_at
    if state.status is Status.PROCESSING:
        yield ClockName.PROGRESS, now
    if state.status is Status.PROCESSING and state.complex and state.plan is not PlanState.APPROVED:
        yield ClockName.PLAN, now


def _late_callbacks(life: Life, now: datetime) -> Iterator[tuple[ClockName, datetime]]:
    """The callback that a resolved ticket waits for (invariant I9): the first counts from the resolution, an attempt
    after another from now."""
    state, resolved_at = life.state, life.state.resolved_at or now
    if state.first_callback_satisfied:
        yield ClockName.SECOND_CALLBACK, now
        return
    yield ClockName.CALLBACK, now if state.callback_attempts else resolved_at
