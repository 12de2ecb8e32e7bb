"""Memory of worker and web process over many lives: caches bound it, not the time that they have run."""

import os
from collections.abc import Mapping

import psutil

from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, until_done
from tests.bench.stack import Stack
from tests.bench.tickets import whole_lives

LIVES = int(os.environ.get("BIHUAN_BENCH_LIVES", "2000"))
"""The goal is that of 20,000 lives; fewer tell sooner whether memory grows."""
AT_ONCE, PARTS = 20, 10
SETTINGS = {"BIHUAN_WORKER_MIB": "1"}
"""So that a worker remembers as few runs as it can."""
MEASURED = ("worker", "web")
MIB = 2**20


async def measure(stack: Stack) -> list[Figure]:
    """Live so many whole tickets in ten parts; compare what is held after the last part with that after the first."""
    connections = [Connection(stack.url, stack.key) for _ in range(AT_ONCE)]
    held: list[Mapping[str, float]] = []
    for _ in range(PARTS):
        await until_done(whole_lives(connections, LIVES // PARTS), AT_ONCE)
        held.append(_held(stack))
        print("  " + ", ".join(f"{name} {size:.0f} MiB" for name, size in held[-1].items()), flush=True)  # noqa: T201
    return [
        Figure(f"memory of {name} after {LIVES} lives", held[-1][name], "MiB", held[0][name], Goal(AT_MOST, 1.2),
               f"most {max(each[name] for each in held):.0f} MiB; floor: after {LIVES // PARTS}")
        for name in MEASURED
    ]  # fmt: skip


def _held(stack: Stack) -> Mapping[str, float]:
    """Resident MiB of the two processes, by name."""
    pids = {each.program.name: each.process.pid for each in stack.machine.supervisor.running}
    return {name: psutil.Process(pids[name]).memory_info().rss / MIB for name in MEASURED}
