"""The callback: an attempt, and what follows from it."""

from datetime import datetime

from services.contracts.commands.handling import UNREACHED, RecordCallback
from services.contracts.commands.update import Command
from services.contracts.durations import parse_duration
from services.contracts.journal import EventType
from services.contracts.vocabulary import CallbackOutcome, ClockName, CloseReason, Kind
from services.workflow.lifecycle.callback_attempts import counts, enter_attempt, forget_attempts, keeps_its_date
from services.workflow.lifecycle.life import Life, instant, system

_UNHAPPY = frozenset({CallbackOutcome.DISSATISFIED, CallbackOutcome.RESIDUAL_ISSUE})


def record_callback(life: Life, command: Command, decision: RecordCallback, now: datetime) -> None:
    """Enter an attempt at the callback that is waited for, and what follows from it."""
    before, state = life.state.phase, life.state
    counted = counts(state, decision, now)
    enter_attempt(state, decision, now, counted=counted)
    attempt = state.callback_attempts
    goes_on = _go_on(life, decision, now) if counted else _stay(life, now)
    state.confirmation = decision.outcome
    if decision.follow_up is not None:
        state.followed_by = (*state.followed_by, decision.follow_up)
    told = decision.model_dump(mode="json", exclude={"next_counts_from", "customer_channels"})
    data = {**told, "attempt": attempt, "recorded_late": _is_late(life, decision, now)}
    if decision.outcome in UNREACHED:
        data |= {"counts": counted, "next_counts_from": instant(state.callback_counts_from)}
    life.write(EventType.CALLBACK_RECORDED, now, command.actor, before, data)
    if not goes_on:
        _conclude(life, command, decision.outcome, now)


def _go_on(life: Life, decision: RecordCallback, now: datetime) -> bool:
    """Meet the callback that was waited for, and start what follows; answers whether anything does."""
    state, settings = life.state, life.settings
    clock = state.awaited_callback
    met = life.ledger.meet(clock, now)
    needs_second = clock is ClockName.CALLBACK and state.kind is Kind.COMPLAINT
    if decision.outcome is CallbackOutcome.SATISFIED and needs_second:
        state.first_callback_satisfied = True
        forget_attempts(state)
        if life.ledger.live(ClockName.SECOND_CALLBACK) is None:
            life.ledger.start(ClockName.SECOND_CALLBACK, now)
        return True
    attempt = state.callback_attempts
    if decision.outcome in UNREACHED and attempt < settings.callback_attempts:
        round_ = (met.round if met else attempt) + 1
        life.ledger.start(clock, now, round_=round_, target=settings.callback_retry_after)
        return True
    return False


def _stay(life: Life, now: datetime) -> bool:
    """Leave the next attempt's date alone after one that does not count, unless it is the one that keeps it."""
    clock = life.ledger.live(life.state.awaited_callback)
    if clock is not None and keeps_its_date(life.state, clock.due_at):
        life.ledger.meet(clock.name, now)
        life.ledger.start(clock.name, now, round_=clock.round + 1, target=life.settings.callback_retry_after)
    return True


def _conclude(life: Life, command: Command, outcome: CallbackOutcome, now: datetime) -> None:
    """A callback that leaves nothing open: closed, or back to work."""
    if outcome is CallbackOutcome.SATISFIED:
        life.close_confirmed(now, command.actor, "callback")
    elif outcome in _UNHAPPY:
        life.reopen(now, command.actor, str(outcome))
    elif outcome is CallbackOutcome.REFUSED:
        life.close(CloseReason.CALLBACK_REFUSED, now, system(life))
    else:
        life.close(CloseReason.NOT_REACHED, now, system(life))


def _is_late(life: Life, decision: RecordCallback, now: datetime) -> bool | None:
    """Whether the callback was recorded later after the call than it should be; None where nobody said when that was.

    The clock is met by the record all the same: the call's own instant is what somebody says, not what was seen.
    """
    if decision.called_at is None:
        return None
    return now - decision.called_at > parse_duration(life.settings.callback_record_within).length
