"""CPU milliseconds a ticket and a loop, by process, with everything that follows from them.

The load generator and the mail server do not count: they are no part of the stack.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from services.runtime.temporal.client import connect
from tests.bench import lives, loop, tickets
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, until_done
from tests.bench.meter import Spell, cost, costs, described
from tests.bench.post import DatedMailServer
from tests.bench.spells import Jobs, idle, rounds, work
from tests.bench.stack import Stack

ROUNDS, TICKETS, ALONE, LOOPS = 3, 60, 15, 24
LEAST_FLOOR = 1.0
"""Milliseconds: of a process that has no part in bare workflows there is only noise."""


async def measure(stack: Stack, post: DatedMailServer) -> list[Figure]:
    """Warm up, see what an idle stack spends, then measure tickets, bare workflows and loops, each in rounds."""
    connections = [Connection(stack.url, stack.key) for _ in range(tickets.CONCURRENCY)]
    crowd = partial(tickets.whole_lives, connections, TICKETS)
    alone = partial(tickets.whole_lives, connections, ALONE)
    async with lives.watching(stack) as journal:
        loops = partial(loop.Loops(stack, post, journal).jobs, LOOPS)
        await work(stack, stack.pids, crowd, tickets.CONCURRENCY)
        await work(stack, stack.pids, loops, loop.CONCURRENCY)
        calm = await idle(stack)
        at_once, floor = await _in_turns(stack, crowd, calm)
        by_itself = await rounds(stack, alone, 1, calm, ROUNDS)
        looped = await rounds(stack, loops, loop.CONCURRENCY, calm, ROUNDS)
    events, activities = await tickets.history(stack, connections[0])
    goal, loop_goal = Goal(AT_MOST, 110, absolute=True), Goal(AT_MOST, 200)
    return [
        *_by_process(f"CPU a ticket, {tickets.CONCURRENCY} at once", at_once, floor, TICKETS, goal),
        _sum("CPU a ticket, 1 at once", by_itself, ALONE, None),
        _sum("CPU a loop", looped, LOOPS, loop_goal),
        Figure("CPU a second, idle", cost([calm], calm.seconds), "ms", None, None,
               f"{described([calm], calm.seconds)}; taken off all the others"),
        Figure("history of a ticket", events, "events", None, Goal(AT_MOST, 40), f"{activities} activities"),
    ]  # fmt: skip


async def _in_turns(stack: Stack, crowd: Jobs, calm: Spell) -> tuple[list[Spell], list[Spell]]:
    """The cost of tickets and, on the same engine, of bare workflows: a busy machine makes both dearer."""
    client = await connect(stack.machine.addresses.temporal, secret=stack.machine.home.secret("internal"))
    at_once, floor = [], []
    async with tickets.floor_beside(stack) as pid:
        bare, pids = partial(tickets.bare_lives, client, TICKETS), [*stack.pids, ("worker", pid)]
        await until_done(bare(), tickets.CONCURRENCY)
        for _ in range(ROUNDS):
            at_once.append((await work(stack, stack.pids, crowd, tickets.CONCURRENCY)).without(calm))
            floor.append((await work(stack, pids, bare, tickets.CONCURRENCY)).without(calm))
    return at_once, floor


def _by_process(name: str, ours: Sequence[Spell], floor: Sequence[Spell], units: int, goal: Goal) -> Iterator[Figure]:
    """The sum with its goal, then each process."""
    note = f"floor: bare workflows; median of {len(ours)} rounds of {units}"
    yield Figure(name, cost(ours, units), "ms", cost(floor, units), goal, note)
    bare = costs(floor, units)
    for process, milliseconds in costs(ours, units).items():
        yield Figure(f"... {process}", milliseconds, "ms", bare[process] if bare[process] >= LEAST_FLOOR else None)


def _sum(name: str, spells: Sequence[Spell], units: float, goal: Goal | None) -> Figure:
    note = f"{described(spells, units)}; median of {len(spells)} rounds of {units:.0f}"
    return Figure(name, cost(spells, units), "ms", None, goal, note)
