"""Ports for what tests start: no two tests that run at the same time are given the same one."""

import itertools
import os
import random
from collections.abc import Iterator

from services.runtime.stack.errors import StackError
from services.runtime.stack.ports import claim_port

_LOWEST, _HIGHEST = 7_000, 9_999
"""Below those that the stack picks for itself, above those that browsers refuse."""


def free_port() -> int:
    """Pick a port that nobody listens on, and that nobody is given again soon: it may be listened on only later."""
    for port in _ports:
        try:
            return claim_port("127.0.0.1", str(port))
        except StackError:
            continue
    raise AssertionError("unreachable: the ports come round again")


def _own_ports() -> list[int]:
    """This worker's share, in an order of its own."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = range(_LOWEST + number, _HIGHEST + 1, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    return random.sample(share, k=len(share))


_ports: Iterator[int] = itertools.cycle(_own_ports())
