"""Sharing of tests among several processes: `pytest -n`."""

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

_WAITING = ("journey", "chaos", "deploy", "flow")
"""Rings that wait for processes more than they compute, longest first."""
_COMPUTING = ("console", "services")
"""Rings that compute, longest last."""


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Half of the processes take files from the beginning, half from the end, so that waiting meets computing, and
    what a ring's tests share is started in one process, but for the ring in which they meet."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def place(item: pytest.Item) -> int:
    """The place of a test's ring between the two ends."""
    ring = PurePath(item.nodeid).parts[1]
    if ring in _WAITING:
        return _WAITING.index(ring) - len(_WAITING)
    return _COMPUTING.index(ring) + 1 if ring in _COMPUTING else 0
