"""Vain attempts at a callback: those that count are made on different working days and, where the customer has more
than one channel, by different ones (product.md 3.6)."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta

from services.contracts.commands.handling import UNREACHED, RecordCallback
from services.contracts.ticket import TicketState

_DAY = timedelta(days=1)


def counts(state: TicketState, attempt: RecordCallback, now: datetime) -> bool:
    """Whether an attempt counts. One that reaches somebody always does; what is vain may come too soon, or by a channel
    that was tried before although another one is left."""
    if attempt.outcome not in UNREACHED:
        return True
    # A call that is entered a day late was no call of that day.
    made_at = min(now, attempt.called_at or now)
    if state.callback_counts_from is not None and made_at < state.callback_counts_from:
        return False
    left = channels_left(state.callback_channels, attempt.customer_channels)
    return attempt.channel not in state.callback_channels or not left


def enter_attempt(state: TicketState, attempt: RecordCallback, now: datetime, *, counted: bool) -> None:
    """Remember of an attempt what decides whether the next one counts."""
    state.callback_attempts += counted
    if attempt.outcome not in UNREACHED:
        return
    state.customer_channels = attempt.customer_channels
    if counted:
        state.callback_channels = tuple(dict.fromkeys((*state.callback_channels, attempt.channel)))
        state.callback_counts_from = attempt.next_counts_from or _tomorrow(now)


def keeps_its_date(state: TicketState, due_at: datetime | None) -> bool:
    """Whether an attempt that does not count keeps the callback's date all the same: an appointment, or an interval of
    the policy, that ends before another attempt could count. Nobody could keep it otherwise."""
    counts_from = state.callback_counts_from
    return due_at is not None and counts_from is not None and due_at < counts_from


def forget_attempts(state: TicketState) -> None:
    """Count anew: for the second callback, or in another cycle."""
    state.callback_attempts, state.callback_channels = 0, ()
    state.callback_counts_from, state.customer_channels = None, ()


def channels_left(tried: Collection[str], of_customer: Sequence[str]) -> tuple[str, ...]:
    """The customer's channels that were not tried yet; none where they have a single one."""
    return tuple(channel for channel in of_customer if channel not in tried) if len(of_customer) > 1 else ()


def _tomorrow(now: datetime) -> datetime:
    """For a command that was stored before commands told the next working day."""
    return datetime.combine(now.astimezone(UTC).date() + _DAY, time(), UTC)
