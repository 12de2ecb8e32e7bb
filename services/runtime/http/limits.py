"""Limits on how often one caller, or one address that is nobody yet, may ask."""

import time
from math import ceil

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from services.runtime.errors import RateLimited
from services.runtime.security.auth import Caller
from services.runtime.telemetry import requests_shed_total

_MOST_WINDOWS = 50_000


class Windows(Storage):
    """Counters in memory, bounded. The library's own starts a thread or walks every counter at each request."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here fails in a way of its own."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` and return the sum of the window."""
        count, until = self._counts.get(key, (0, 0.0))
        now = time.time()
        if until <= now:
            self._make_room(now)
            count, until = 0, now + expiry
        self._counts[key] = (count + amount, until)
        return count + amount

    def get(self, key: str) -> int:
        """Return the sum of the window."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget everything; return how many counters there were."""
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._counts.pop(key, None)

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
        self._windows = FixedWindowRateLimiter(Windows())

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
        if self._windows.hit(limit, who):
            return
        requests_shed_total.labels("rate").inc()
        reset_at, _ = self._windows.get_window_stats(limit, who)
        raise RateLimited(retry_after=max(1, ceil(reset_at - time.time())))
