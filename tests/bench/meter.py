"""CPU time of a stack's processes. It is the same on a busy machine, where a rate is not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import psutil

Seconds = Mapping[str, float]
"""CPU seconds by the name of a process."""
Pids = Sequence[tuple[str, int]]
"""Name and pid of processes; those of one name are added up."""


@dataclass(frozen=True)
class Reading:
    """CPU seconds that each process has spent by an instant of the monotonic clock."""

    at: float
    spent: Seconds

    def since(self, earlier: "Reading") -> "Spell":
        """The time spent from `earlier` on; a process that is new since then has spent all of its time."""
        spent = {name: seconds - earlier.spent.get(name, 0.0) for name, seconds in self.spent.items()}
        return Spell(self.at - earlier.at, spent)


@dataclass(frozen=True)
class Spell:
    """A time in seconds, and the CPU seconds spent in it."""

    seconds: float
    spent: Seconds

    @property
    def total(self) -> float:
        """The CPU seconds of all processes."""
        return sum(self.spent.values())

    def without(self, idle: "Spell") -> "Spell":
        """The cost of the work: less what the same processes spend in as much time without any."""
        share = self.seconds / idle.seconds
        spent = {name: max(0.0, seconds - share * idle.spent.get(name, 0.0)) for name, seconds in self.spent.items()}
        return Spell(self.seconds, spent)


def read(pids: Pids) -> Reading:
    """Read what the processes have spent so far."""
    spent: dict[str, float] = {}
    for name, pid in pids:
        spent[name] = spent.get(name, 0.0) + _of_tree(psutil.Process(pid))
    return Reading(time.monotonic(), spent)


def cost(spells: Sequence[Spell], units: float) -> float:
    """CPU milliseconds a unit of work: the median of several spells, each of so many units."""
    return median(spell.total for spell in spells) * 1000 / units


def costs(spells: Sequence[Spell], units: float) -> Mapping[str, float]:
    """The same for each process."""
    return {name: median(each.spent.get(name, 0.0) for each in spells) * 1000 / units for name in spells[0].spent}


def described(spells: Sequence[Spell], units: float) -> str:
    """`costs` in words."""
    return ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in costs(spells, units).items())


def _of_tree(process: psutil.Process) -> float:
    """The time of a process, of its children, and of those that have ended: PostgreSQL has one for each connection."""
    with process.oneshot():
        children = process.children(recursive=True)
        spent = _own(process)
    for child in children:
        try:
            spent += _own(child)
        except psutil.NoSuchProcess:
            continue  # it ends in this moment: the next reading finds its time at its parent's
    return spent


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
