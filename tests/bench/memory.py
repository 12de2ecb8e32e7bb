"""A worker with many open tickets: its memory, the cost of a command then, and that of a ticket that was evicted.

Tickets are played up to a plan and then copied (`copies`); the copies' workflows are started from their rows, as after
a restore. Commands go to tickets chosen at random, so that of many most are not in memory.
"""

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import httpx
import psutil

from services.contracts.names import QUEUE_TICKETS
from services.workflow.wake_channels import STARTER_CHANNEL
from tests.bench.copies import NUMBER, copy
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.intake import feedback
from tests.bench.load import Connection, Job, until_done
from tests.bench.meter import Spell, cost, described
from tests.bench.spells import idle, rounds, until_quiet
from tests.bench.stack import Stack
from tests.bench.tickets import COMMANDS

OPEN = tuple(map(int, os.environ.get("BIHUAN_BENCH_OPEN_TICKETS", "200,2500,10000").split(",")))
"""Numbers of open tickets, each a multiple of `PLAYED`. The goal is that of 10,000; fewer tell sooner."""
PLAYED, UP_TO = 50, 3
ROUNDS, TRIES, AT_ONCE = 3, 120, 8
EVICTED, WARM_UP = 15, 5
START_PATIENCE_SECONDS = 1800.0
LOOK_EVERY_SECONDS = 1.0
MIB = 2**20
CACHED = "temporal_sticky_cache_size{"
_PROGRESS: tuple[str, dict[str, Any]] = ("progress", {"message": "配件已订，等待到货。", "visible": False})
_TICKET = {
    "state": f"replace(it.state::text, it.ticket_no, {NUMBER})::jsonb",
    "engine_id": "NULL",
}
_MISSING = "SELECT count(*) FROM workflow.tickets WHERE NOT ended AND engine_id IS NULL"


async def measure(stack: Stack) -> list[Figure]:
    """See what a replay costs, then open more and more tickets and send commands to some of them."""
    connections = [Connection(stack.url, stack.key) for _ in range(AT_ONCE)]
    played: list[str] = []
    await until_done(_playing(connections, played), AT_ONCE)
    figures = [await _replay(stack, connections, played)]
    costs: list[float] = []
    sizes = [_resident(stack)]
    copies = 0
    for number in OPEN:
        first, copies = copies + 1, number // PLAYED - 1
        numbers = played + await _open(stack, played, first, copies)
        calm = await idle(stack)
        jobs = partial(_progress_of_some, connections, numbers)
        spells = await rounds(stack, jobs, AT_ONCE, calm, ROUNDS)
        costs.append(cost(spells, TRIES))
        sizes.append(_resident(stack))
        floor, goal = (costs[0], Goal(AT_MOST, 1.2)) if len(costs) > 1 else (None, None)
        figures += [
            Figure(f"worker, {number:,} open tickets", sizes[-1], "MiB", None, Goal(AT_MOST, 600),
                   f"{await _remembered(stack):,.0f} in memory; before {sizes[-2]:.0f} MiB"),
            Figure(f"CPU a command, {number:,} open", costs[-1], "ms", floor, goal,
                   f"{described(spells, TRIES)}; median of {ROUNDS} rounds of {TRIES}; floor: the fewest open"),
            Figure(f"CPU a second, {number:,} open", cost([calm], calm.seconds), "ms", None, None, "idle"),
        ]  # fmt: skip
    return figures


async def _replay(stack: Stack, connections: list[Connection], played: Sequence[str]) -> Figure:
    """Each ticket gets a command that a new worker must replay it for, and another that finds it in memory."""
    await _restart_worker(stack)
    calm = await idle(stack)
    rest = list(played)
    await until_done(_progress(connections, [rest.pop() for _ in range(WARM_UP)]), 1)
    extra: list[Spell] = []
    for _ in range(ROUNDS):
        asked = [rest.pop() for _ in range(EVICTED)]
        jobs = partial(_progress, connections, asked)
        replayed, remembered = await rounds(stack, jobs, 1, calm, 2)
        extra.append(Spell(0.0, {name: spent - remembered.spent[name] for name, spent in replayed.spent.items()}))
    note = f"after {UP_TO} commands; {described(extra, EVICTED)}; median of {ROUNDS} rounds of {EVICTED}"
    return Figure("CPU of a replay", cost(extra, EVICTED), "ms", None, None, note)


async def _restart_worker(stack: Stack) -> None:
    """End the workers and wait until the supervisor has started others, which remember nothing."""
    workers = [each for each in stack.machine.supervisor.running if each.program.name.startswith("worker")]
    former = [each.process for each in workers]
    for process in former:
        process.terminate()
    while any(each.process in former for each in workers):  # noqa: ASYNC110 - the supervisor tells nobody
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    for address in stack.machine.addresses.workers:
        await stack.until_ready(address)
    await until_quiet(stack)


async def _open(stack: Stack, played: list[str], first: int, last: int) -> list[str]:
    """Copy the tickets and wait until every copy's workflow has begun; answers all copies' numbers."""
    database = await stack.connect()
    try:
        numbers = await copy(database, played, first, last, _TICKET)
        await database.execute(f"NOTIFY {STARTER_CHANNEL}")
        async with asyncio.timeout(START_PATIENCE_SECONDS):
            while await database.fetchval(_MISSING):  # noqa: ASYNC110 - the starter is another process
                await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        await database.close()
    await until_quiet(stack)
    return numbers


def _progress_of_some(connections: list[Connection], numbers: Sequence[str]) -> Iterator[Job]:
    return _progress(connections, random.choices(numbers, k=TRIES))  # noqa: S311 - no secret


def _progress(connections: list[Connection], numbers: Sequence[str]) -> Iterator[Job]:
    return (partial(_send, connections, ticket_no, [_PROGRESS]) for ticket_no in numbers)


def _playing(connections: list[Connection], played: list[str]) -> Iterator[Job]:
    return (partial(_play, connections, number, played) for number in range(PLAYED))


async def _play(connections: list[Connection], number: int, played: list[str]) -> list[float]:
    """Play a ticket up to its plan, and note its number."""
    connection = connections.pop()
    try:
        ticket_no: str = (await connection.post("/v1/feedback", feedback(number))).json()["ticket_no"]
    finally:
        connections.append(connection)
    played.append(ticket_no)
    return await _send(connections, ticket_no, COMMANDS[:UP_TO])


async def _send(
    connections: list[Connection], ticket_no: str, commands: Sequence[tuple[str, dict[str, Any]]]
) -> list[float]:
    connection = connections.pop()
    try:
        for name, body in commands:
            (await connection.post(f"/v1/tickets/{ticket_no}/{name}", body)).json()
    finally:
        connections.append(connection)
    return []


async def _remembered(stack: Stack) -> float:
    """Tickets that the worker has in memory, as its SDK counts them."""
    async with httpx.AsyncClient(trust_env=False) as client:
        told = "".join([(await client.get(f"{each}/metrics")).text for each in stack.machine.addresses.workers])
    lines = (line for line in told.splitlines() if line.startswith(CACHED) and f'"{QUEUE_TICKETS}"' in line)
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _resident(stack: Stack) -> float:
    """Resident MiB of the worker."""
    return sum(psutil.Process(pid).memory_info().rss for name, pid in stack.pids if name == "worker") / MIB
