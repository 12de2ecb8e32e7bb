"""Limits on how often one caller, or one address that is nobody yet, may ask."""

import time
from math import ceil

from limits import RateLimitItem, parse

from services.runtime.errors import RateLimited
from services.runtime.security.auth import Caller
from services.runtime.telemetry import requests_shed_total

_MOST_WINDOWS = 50_000


class Windows:
    """Counters of fixed windows in memory, bounded. The library's own start a thread or walk every counter at each
    request."""

    def __init__(self) -> None:
        self._counts: dict[tuple[object, ...], tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def count(self, limit: RateLimitItem, *who: str) -> None:
        """Count an attempt.

        Raises:
            RateLimited: the window had all that `limit` allows; with the seconds until it ends.
        """
        key, now = (limit, *who), time.time()
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            self._make_room(now)
            count, until = 0, now + limit.get_expiry()
        self._counts[key] = (count + 1, until)
        if count >= limit.amount:
            raise RateLimited(retry_after=max(1, ceil(until - now)))

    def forget(self, limit: RateLimitItem, *who: str) -> None:
        """Forget the attempts of a window."""
        self._counts.pop((limit, *who), None)

    def _make_room(self, now: float) -> None:
        if len(self._counts) >= _MOST_WINDOWS:
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
        while len(self._counts) >= _MOST_WINDOWS:
            del self._counts[next(iter(self._counts))]


class RateLimits:
    """One window per caller, one per address of those who are not signed in."""

    def __init__(self, signed_in: str, anonymous: str) -> None:
        self._signed_in = parse(signed_in)
        self._anonymous = parse(anonymous)
        self._windows = Windows()

    def count(self, caller: Caller | None, address: str) -> None:
        """Count a request; raise `RateLimited` with the seconds until the window ends. Services are not limited."""
        if caller is not None and caller.kind == "service":
            return
        self._hit(*((self._anonymous, address) if caller is None else (self._signed_in, caller.id)))

    def count_unknown(self, address: str) -> None:
        """Count a request of somebody of whom nobody can say now who they are. It is no anonymous one: a program with a
        good key would be told that it asks too often. Raise `RateLimited` where even one caller would be."""
        self._hit(self._signed_in, f"unknown at {address}")

    def _hit(self, limit: RateLimitItem, who: str) -> None:
        try:
            self._windows.count(limit, who)
        except RateLimited:
            requests_shed_total.labels("rate").inc()
            raise
