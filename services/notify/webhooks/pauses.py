"""Pauses before a delivery that failed is tried again, and the end at which it is given up."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

GROWTH = 4
_SPREAD = 0.2


@dataclass(frozen=True)
class Pauses:
    """The first pause is `first`, each next one four times as long up to `longest`, all up to a fifth shorter or longer
    so that what failed together does not return together. What has failed for `give_up_after` is given up."""

    first: timedelta
    longest: timedelta
    give_up_after: timedelta
    between: Callable[[float, float], float] = secrets.SystemRandom().uniform
    """Draws the jitter."""

    def next_try_at(
        self, now: datetime, failures: int, failing_since: datetime, asked_for: timedelta | None
    ) -> datetime | None:
        """The instant of the next try after so many failures in a row; None when it has failed for long enough.

        `asked_for` is the receiver's `Retry-After`: never earlier, but never later than the longest pause either. The
        last try comes when the time is up.
        """
        last = failing_since + self.give_up_after
        if now >= last:
            return None
        return min(now + max(self._pause(failures), self.bounded(asked_for)), last)

    def bounded(self, asked_for: timedelta | None) -> timedelta:
        """The pause that a receiver asks for, as far as it is granted."""
        return min(asked_for or timedelta(0), self.longest)

    def _pause(self, failures: int) -> timedelta:
        grown = self.longest
        if (factor := GROWTH ** min(failures - 1, 30)) < self.longest / self.first:
            grown = self.first * factor
        return grown * self.between(1 - _SPREAD, 1 + _SPREAD)
