"""The number of runs that a worker remembers between their tasks: as many as its memory holds.

The SDK takes a number, and keeps to it. So the number is worked out when a worker starts, from what the process may
take, what it takes by then, and what one run was measured to cost.
"""

import psutil

LEAST = 50
"""Fewer would replay what works at the moment."""
GROWTH_MIB = 100
"""A process that works takes this much more than one that has just started, whatever it remembers: connections,
compiled statements, room between what was freed."""
_KIB = 1024


def runs_remembered(may_take_mib: float, share: float, kib_each: float, taken_mib: float | None = None) -> int:
    """Answer how many runs fit: into a `share` of what a process of `may_take_mib` has left beside `taken_mib`, which
    is measured unless it is said."""
    taken = _taken_mib() if taken_mib is None else taken_mib
    left = (may_take_mib - taken - GROWTH_MIB) * share
    return max(LEAST, int(left * _KIB / kib_each))


def _taken_mib() -> float:
    taken: int = psutil.Process().memory_info().rss
    return taken / _KIB**2
