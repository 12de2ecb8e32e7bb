"""The policy that applies to a ticket, and its promises at receipt (product.md section 5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

from services.contracts.feedback import FirstPromise
from services.contracts.policy import Condition, PackId, Policy, PolicySnapshot, Promises
from services.contracts.ticket import TicketState
from services.contracts.vocabulary import Category, Channel, ClockName, Kind, Priority, Tier, Urgency
from services.promises.calendars import Calendar, CalendarExhausted
from services.promises.clocks import due_at, duration_of, warnings_at
from services.promises.policy_packs import calendars as packed_calendars
from services.promises.policy_packs import pack

_Instants = tuple[datetime, tuple[datetime, ...]]
_AT_RECEIPT = (ClockName.ACCEPTANCE, ClockName.RESPONSE, ClockName.RESOLUTION)


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The facts of a ticket that a policy may ask for, called as in `Condition`; at receipt no department is known."""

    kind: Kind
    category: Category
    urgency: Urgency
    priority: Priority
    tier: Tier
    channel: Channel
    department: str | None = None


def choose(policies: Sequence[Policy], facts: PolicyFacts | TicketState) -> Policy | None:
    """The first policy that applies, in the order given. One without conditions applies to every ticket."""
    return next((policy for policy in policies if _applies(policy, facts)), None)


def snapshot(policy: Policy) -> PolicySnapshot:
    """The part of a policy version that a ticket lives by."""
    return PolicySnapshot.model_validate(policy, from_attributes=True)


def first_promises(
    policy: Policy, facts: PolicyFacts, received_at: datetime, complete: bool, calendars: Mapping[str, Calendar]
) -> tuple[FirstPromise, ...]:
    """The clocks that start at receipt, with their instants.

    What cannot be dated is not promised: a feedback is never refused because a calendar is missing or at its end
    (invariant I3). Publishing prevents both.
    """
    calendar = calendars.get(policy.calendar_of(facts.department))
    if calendar is None:
        return ()
    names = _AT_RECEIPT if complete else (*_AT_RECEIPT, ClockName.INFORMATION_REQUEST)
    # Response and resolution are often promised in the same time: their instants are computed once.
    instants = cache(lambda target, warn_at: _instants(target, warn_at, received_at, calendar))
    promises = (_promise(policy, name, facts, calendar, instants) for name in names)
    return tuple(promise for promise in promises if promise)


@lru_cache(maxsize=len(PackId))
def built_in(pack_id: PackId = PackId.D0) -> Promises:
    """Promises in force until operations publish something else: one pack for every ticket."""
    return Promises(generation=0, policies=pack(pack_id).policies, calendars=packed_calendars())


def _applies(policy: Policy, facts: PolicyFacts | TicketState) -> bool:
    return not policy.applies or any(_holds(condition, facts) for condition in policy.applies)


def _holds(condition: Condition, facts: PolicyFacts | TicketState) -> bool:
    return all(wanted is None or getattr(facts, name) in wanted for name, wanted in condition)


def _promise(
    policy: Policy, name: ClockName, facts: PolicyFacts, calendar: Calendar, instants: Callable[..., _Instants | None]
) -> FirstPromise | None:
    rule = policy.clocks.get(name)
    target = rule.target_for(facts.urgency) if rule else None
    if rule is None or target is None or (computed := instants(target, rule.warn_at)) is None:
        return None
    due, warn_at = computed
    return FirstPromise(
        clock=name,
        target=target,
        due_at=due,
        warn_at=warn_at,
        calendar=policy.calendar_of(facts.department),
        calendar_version=calendar.version or 0,
    )


def _instants(
    target: str, warn_at: Sequence[float | str], received_at: datetime, calendar: Calendar
) -> _Instants | None:
    """The due instant and the warnings of a clock that starts at receipt; None where the calendar is at its end."""
    duration = duration_of(target)
    try:
        due = due_at(received_at, duration, (), calendar)
        return due, warnings_at(warn_at, received_at, due, duration, (), calendar)
    except CalendarExhausted:
        return None
