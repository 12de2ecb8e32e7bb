"""Sharing of tests among several processes: `pytest -n`."""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Half of the processes take files from the beginning, half from the end, so that waiting meets computing, and
    what a ring's tests share is started in one process, but for the ring in which they meet."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        if int(node.gateway.id.removeprefix("gw")) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
