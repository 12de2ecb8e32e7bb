"""First promises of many receipts in one minute: its two ends show how they move with the receipt in between.

Two facts make that exact. An instant that is promised never moves back, nor further than the receipt that it counts
from. Where it comes to a closing it leaps, by a minute at least, because calendars open and close on whole minutes. So
an instant that is the same at both ends has stood still all the time, and one that moved by just as much as the receipt
has moved along with it. A share of the time until a due instant that stands still shrinks with it; the computed
one leaps where the true one does not only if they differ at the end. Whatever moves otherwise is computed each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.contracts.feedback import FirstPromise
from services.contracts.policy import Policy
from services.promises.calendars import Calendar
from services.promises.clocks import duration_of
from services.promises.openings import MICROSECOND
from services.promises.policies import PolicyFacts, first_promises

_ZERO = timedelta(0)
_SPAN = timedelta(minutes=1) - 2 * MICROSECOND
"""From the first microsecond within a minute to its last. At a whole minute calendars open and close."""


@dataclass(frozen=True, slots=True)
class _Way:
    """The way of one instant: where it is at the first end, whether it moves along with the receipt, and the `share` of
    the `whole` time until it is due that shrinks meanwhile."""

    at: datetime
    moves: bool = False
    share: float = 0.0
    whole: timedelta = _ZERO

    def after(self, later: timedelta) -> datetime:
        """The instant of a receipt so much later than the first end."""
        if not self.moves:
            return self.at
        shrunk = (self.whole - later) * self.share - self.whole * self.share if self.share else _ZERO
        return self.at + later + shrunk


@dataclass(frozen=True, slots=True)
class _Course:
    """A promise at the first end of a minute, and the ways of its instants."""

    promise: FirstPromise
    due: _Way
    warnings: tuple[_Way, ...]

    def after(self, later: timedelta) -> FirstPromise:
        """The promise of a receipt so much later."""
        warn_at = tuple(each.after(later) for each in self.warnings)
        return self.promise.model_copy(update={"due_at": self.due.after(later), "warn_at": warn_at})


class _Irregular(Exception):
    """An instant moves in a way of its own."""


class ReceiptPromises:
    """First promises by one policy. Every answer is what `first_promises` would say."""

    def __init__(self, policy: Policy, calendars: Mapping[str, Calendar]) -> None:
        self._policy = policy
        self._calendars = calendars
        self._minute: datetime | None = None
        self._courses: dict[tuple[object, ...], tuple[_Course, ...] | None] = {}
        self._seen: set[tuple[object, ...]] = set()

    def at(self, facts: PolicyFacts, received_at: datetime, complete: bool) -> tuple[FirstPromise, ...]:
        """Promise; from the third receipt of a minute on without asking the calendar."""
        minute = received_at.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._courses, self._seen = minute, {}, set()
        kind = (facts.urgency, facts.department, complete)
        if received_at == minute or kind not in self._seen:
            self._seen.add(kind)
            return first_promises(self._policy, facts, received_at, complete, self._calendars)
        if kind not in self._courses:
            self._courses[kind] = self._chart(facts, minute + MICROSECOND, complete)
        courses = self._courses[kind]
        if courses is None:
            return first_promises(self._policy, facts, received_at, complete, self._calendars)
        later = received_at - minute - MICROSECOND
        return tuple([each.after(later) for each in courses])

    def _chart(self, facts: PolicyFacts, begins: datetime, complete: bool) -> tuple[_Course, ...] | None:
        first, last = (
            first_promises(self._policy, facts, at, complete, self._calendars) for at in (begins, begins + _SPAN)
        )
        if [(each.clock, len(each.warn_at)) for each in first] != [(each.clock, len(each.warn_at)) for each in last]:
            return None
        try:
            return tuple(self._course(*pair, begins) for pair in zip(first, last, strict=True))
        except _Irregular:
            return None

    def _course(self, first: FirstPromise, last: FirstPromise, begins: datetime) -> _Course:
        due = _way(first.due_at, last.due_at, ())
        shares = () if due.moves else self._shares(first, begins)
        pairs = zip(first.warn_at, last.warn_at, strict=True)
        return _Course(first, due, tuple(_way(*pair, shares) for pair in pairs))

    def _shares(self, promise: FirstPromise, begins: datetime) -> tuple[tuple[float, timedelta], ...]:
        """The share of its time at which the only warning comes, with the time until the promise is due; empty where
        the receipt's way through the minute does not shorten that time by as much."""
        rule, calendar = self._policy.clocks[promise.clock], self._calendars[promise.calendar]
        if len(rule.warn_at) != 1 or isinstance(rule.warn_at[0], str) or not duration_of(promise.target).is_working:
            return ()
        whole = calendar.between(begins, promise.due_at)
        shortened = whole - calendar.between(begins + _SPAN, promise.due_at)
        return ((rule.warn_at[0], whole),) if shortened == _SPAN else ()


def _way(first: datetime, last: datetime, shares: tuple[tuple[float, timedelta], ...]) -> _Way:
    possible = (_Way(first), _Way(first, True), *(_Way(first, True, *share) for share in shares))
    for way in possible:
        if way.after(_SPAN) == last:
            return way
    raise _Irregular
