"""Spells of work on a stack, with what follows from it, and spells without any."""

import asyncio
from collections.abc import Callable, Iterator

from tests.bench.load import Job, until_done
from tests.bench.meter import Pids, Spell, read
from tests.bench.settling import until_settled
from tests.bench.stack import Stack

IDLE_SECONDS = 15.0
QUIET_SECONDS, QUIET_SHARE, PATIENCE_SECONDS = 3.0, 0.1, 300.0

Jobs = Callable[[], Iterator[Job]]


async def work(stack: Stack, pids: Pids, jobs: Jobs, at_once: int) -> Spell:
    """Do the jobs, so many at a time, and wait for what follows."""
    before = read(pids)
    await until_done(jobs(), at_once)
    await until_settled(stack)
    return read(pids).since(before)


async def rounds(stack: Stack, jobs: Jobs, at_once: int, calm: Spell, count: int) -> list[Spell]:
    """The same several times, without what the stack spends when it is `calm`."""
    return [(await work(stack, stack.pids, jobs, at_once)).without(calm) for _ in range(count)]


async def idle(stack: Stack, seconds: float = IDLE_SECONDS) -> Spell:
    """Do nothing."""
    before = read(stack.pids)
    await asyncio.sleep(seconds)
    return read(stack.pids).since(before)


async def until_quiet(stack: Stack) -> None:
    """Return when all processes together need no more than a tenth of a core."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (spell := await idle(stack, QUIET_SECONDS)).total > QUIET_SHARE * spell.seconds:
            pass
