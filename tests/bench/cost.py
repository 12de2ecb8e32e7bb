"""CPU milliseconds a ticket and a loop, by process, with everything that follows from them.

The load generator and the mail server do not count: they are no part of the stack.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from services.runtime.temporal.client import connect
from tests.bench import loop, tickets
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, Job, until_done
from tests.bench.meter import Pids, Seconds, Spell, medians, read
from tests.bench.post import DatedMailServer
from tests.bench.settling import until_settled
from tests.bench.stack import Stack

ROUNDS, TICKETS, ALONE, LOOPS = 3, 60, 15, 24
IDLE_SECONDS = 15.0
LEAST_FLOOR = 1.0
"""Milliseconds: of a process that has no part in bare workflows there is only noise."""

Jobs = Callable[[], Iterator[Job]]


async def measure(stack: Stack, _post: DatedMailServer) -> list[Figure]:
    """Warm up, see what an idle stack spends, then measure bare workflows, tickets and loops, each in rounds."""
    connections = [Connection(stack.url, stack.key) for _ in range(tickets.CONCURRENCY)]
    numbers = itertools.count(1)
    crowd = partial(tickets.whole_lives, connections, TICKETS)
    alone = partial(tickets.whole_lives, connections, ALONE)
    loops = partial(loop.loops, connections, numbers, LOOPS)
    await _spell(stack, stack.pids, crowd, tickets.CONCURRENCY)
    await _spell(stack, stack.pids, loops, loop.CONCURRENCY)
    idle = await _idle(stack)
    at_once, floor = await _in_turns(stack, crowd, idle)
    by_itself = await _rounds(stack, alone, 1, idle)
    looped = await _rounds(stack, loops, loop.CONCURRENCY, idle)
    events, activities = await tickets.history(stack, connections[0])
    goal, loop_goal = Goal(AT_MOST, 110, absolute=True), Goal(AT_MOST, 200)
    return [
        *_by_process(f"CPU a ticket, {tickets.CONCURRENCY} at once", at_once, floor, TICKETS, goal),
        _sum("CPU a ticket, 1 at once", by_itself, ALONE, None),
        _sum("CPU a loop", looped, LOOPS, loop_goal),
        _sum("CPU a second of an idle stack", [idle], IDLE_SECONDS, None),
        Figure("history of a ticket", events, "events", None, Goal(AT_MOST, 40), f"{activities} activities"),
    ]


async def _in_turns(stack: Stack, crowd: Jobs, idle: Spell) -> tuple[list[Spell], list[Spell]]:
    """The cost of tickets and, on the same engine, of bare workflows: a busy machine makes both dearer."""
    client = await connect(stack.machine.addresses.temporal, secret=stack.machine.home.secret("internal"))
    at_once, floor = [], []
    async with tickets.floor_beside(stack) as pid:
        bare, pids = partial(tickets.bare_lives, client, TICKETS), [*stack.pids, ("worker", pid)]
        await until_done(bare(), tickets.CONCURRENCY)
        for _ in range(ROUNDS):
            at_once.append((await _spell(stack, stack.pids, crowd, tickets.CONCURRENCY)).without(idle))
            floor.append((await _spell(stack, pids, bare, tickets.CONCURRENCY)).without(idle))
    return at_once, floor


async def _rounds(stack: Stack, jobs: Jobs, at_once: int, idle: Spell) -> list[Spell]:
    return [(await _spell(stack, stack.pids, jobs, at_once)).without(idle) for _ in range(ROUNDS)]


async def _spell(stack: Stack, pids: Pids, jobs: Jobs, at_once: int) -> Spell:
    """Do the jobs, and wait for what follows."""
    before = read(pids)
    await until_done(jobs(), at_once)
    await until_settled(stack)
    return read(pids).since(before)


async def _idle(stack: Stack) -> Spell:
    before = read(stack.pids)
    await asyncio.sleep(IDLE_SECONDS)
    return read(stack.pids).since(before)


def _by_process(name: str, ours: Sequence[Spell], floor: Sequence[Spell], units: int, goal: Goal) -> Iterator[Figure]:
    """The sum with its goal, then each process."""
    mine, bare = (medians([spell.spent for spell in spells]) for spells in (ours, floor))
    whole, bare_whole = (median(spell.total for spell in spells) for spells in (ours, floor))
    note = f"floor: bare workflows; median of {len(ours)} rounds of {units}"
    yield Figure(name, _ms(whole, units), "ms", _ms(bare_whole, units), goal, note)
    for process in mine:
        least = _ms(bare[process], units)
        yield Figure(f"... {process}", _ms(mine[process], units), "ms", least if least >= LEAST_FLOOR else None)


def _sum(name: str, spells: Sequence[Spell], units: float, goal: Goal | None) -> Figure:
    note = f"{_split(medians([spell.spent for spell in spells]), units)}; median of {len(spells)} of {units:g}"
    return Figure(name, _ms(median(spell.total for spell in spells), units), "ms", None, goal, note)


def _split(spent: Seconds, units: float) -> str:
    return ", ".join(f"{process} {_ms(seconds, units):.1f}" for process, seconds in spent.items())


def _ms(seconds: float, units: float) -> float:
    return seconds * 1000 / units
