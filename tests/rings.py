"""Rings of tests: how slow they are and the order in which they are taken, by the folder that a test is in."""

from pathlib import PurePath

import pytest

SLOW = ("journey", "chaos", "deploy", "processes")
"""Rings that drive long journeys, kill processes or deploy roles apart, longest first: `make test-slow`."""
_WAITING = (*SLOW, "flow")
"""Rings that wait for processes more than they compute."""
_COMPUTING = ("console", "services")
"""Rings that compute, longest last."""


def ring(item: pytest.Item) -> str:
    """The folder of `tests` that a test is in."""
    return PurePath(item.nodeid).parts[1]


def mark(items: list[pytest.Item]) -> None:
    """Mark every test of a slow ring, so that nobody can forget it, and put those that wait first."""
    for item in items:
        if ring(item) in SLOW:
            item.add_marker(pytest.mark.slow)
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    name = ring(item)
    if name in _WAITING:
        return _WAITING.index(name) - len(_WAITING)
    return _COMPUTING.index(name) + 1 if name in _COMPUTING else 0
