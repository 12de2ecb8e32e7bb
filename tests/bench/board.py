"""The pages that staff look at all day, and the preview of a policy, with 10,000 tickets behind them.

The tickets are `copies`, their due times apart by a minute, without workflows.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator
from statistics import median

from services.commands.rehearsal.figures import percentile
from tests.bench.copies import copy
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.intake import feedback
from tests.bench.load import Connection, Job, Run, until_done
from tests.bench.meter import Spell, costs, read
from tests.bench.spells import idle
from tests.bench.stack import Stack
from tests.bench.tickets import COMMANDS

TICKETS, PLAYED = 10_000, 20
ROUNDS, READS, WARM_UP, READERS = 3, 100, 20, 8
CLERK = {"username": "li.lei", "name": "李雷", "roles": ["clerk"]}
_TICKET = {"next_due_at": "it.next_due_at + n * interval '1 minute'", "ended": "true"}
"""Of a ticket that has ended no workflow is missed: no page asks the engine."""


async def measure(stack: Stack) -> list[Figure]:
    """Load the tickets, sign a clerk in, and read pages one after another and side by side."""
    connection = Connection(stack.url, stack.key)
    password = {"password": stack.key}
    (await connection.post("/v1/staff", {**CLERK, **password})).json()
    token = (await connection.post("/v1/token", {"username": CLERK["username"], **password})).json()["access_token"]
    numbers = await _load(stack, [await _play(connection, number) for number in range(PLAYED)])
    readers = [Connection(stack.url, cookie=f"bihuan_session={token}") for _ in range(READERS)]
    shown = itertools.cycle(numbers[:: max(1, len(numbers) // (READS + WARM_UP))])
    pages = {
        "board page": itertools.repeat("/board"),
        "ticket page": (f"/tickets/{number}" for number in shown),
    }
    calm = await idle(stack)
    shown_pages = [
        figure for name, paths in pages.items() for figure in await _figures(stack, calm, name, paths, readers)
    ]
    return [*shown_pages, *await _preview(stack)]


async def _preview(stack: Stack) -> list[Figure]:
    """Try a policy on every open ticket and on the last quarter, while somebody else reads on and on."""
    waits: list[float] = []
    reading = asyncio.create_task(_keep_reading(Connection(stack.url, stack.key), waits))
    began = time.perf_counter()
    answer = await Connection(stack.url, stack.key).post("/v1/policies/d0-standard/preview", {})
    seconds = time.perf_counter() - began
    reading.cancel()
    found = answer.json()
    tickets = found["open"]["tickets"] + found["past"]["tickets"]
    whole = "all of them" if not (found["open"]["truncated"] or found["past"]["truncated"]) else "TRUNCATED"
    note = f"{tickets:,} tickets, open and past, {whole}"
    others = [
        Figure(f"others' reads during it p{share * 100:g}", percentile(waits, share) * 1000, "ms", None, None, "")
        for share in (0.5, 0.99, 1.0)
    ]
    return [Figure("preview of a policy", seconds, "s", None, None, note), *others]


async def _keep_reading(connection: Connection, waits: list[float]) -> None:
    while True:
        began = time.perf_counter()
        (await connection.get("/v1/policies?limit=1")).json()
        waits.append(time.perf_counter() - began)


async def _figures(
    stack: Stack, calm: Spell, name: str, paths: Iterator[str], readers: list[Connection]
) -> list[Figure]:
    await until_done(_reads(readers, paths, WARM_UP), 1)
    figures: list[Figure] = []
    spells: list[Spell] = []
    for at_once in (1, READERS):
        runs: list[Run] = []
        for _ in range(ROUNDS):
            before = read(stack.pids)
            runs.append(await until_done(_reads(readers, paths, READS), at_once))
            spells.append(read(stack.pids).since(before).without(calm))
        figures += _latencies(f"{at_once} at once", name, runs)
    milliseconds = costs(spells, READS)
    note = f"beside it {', '.join(f'{other} {milliseconds[other]:.1f}' for other in milliseconds if other != 'web')}"
    rounds = f"median of {len(spells)} rounds of {READS}"
    return [Figure(f"CPU a {name}", milliseconds["web"], "ms", None, Goal(AT_MOST, 15), f"{note}; {rounds}"), *figures]


def _latencies(at_once: str, name: str, runs: list[Run]) -> Iterator[Figure]:
    latencies = [seconds for run in runs for seconds in run.latencies]
    rate = median(run.rate for run in runs)
    note = f"{TICKETS:,} tickets; {len(runs)} rounds of {READS} reads as a clerk; {rate:.0f} pages/s"
    for share, said in ((0.5, ""), (0.99, note)):
        value = percentile(latencies, share) * 1000
        yield Figure(f"{name} p{share * 100:g}, {at_once}", value, "ms", None, None, said)


def _reads(readers: list[Connection], paths: Iterator[str], count: int) -> Iterator[Job]:
    async def read() -> list[float]:
        reader, path = readers.pop(), next(paths)
        began = time.perf_counter()
        try:
            answer = await reader.get(path)
        finally:
            readers.append(reader)
        if answer.status != 200 or b'id="live"' not in answer.body:
            raise RuntimeError(f"{path}: {answer.status}")
        return [time.perf_counter() - began]

    return iter([read] * count)


async def _play(connection: Connection, number: int) -> str:
    """A ticket in one of the phases from received to resolved; a closed one is on no board."""
    ticket_no: str = (await connection.post("/v1/feedback", feedback(number))).json()["ticket_no"]
    for name, body in COMMANDS[: number % len(COMMANDS)]:
        (await connection.post(f"/v1/tickets/{ticket_no}/{name}", body)).json()
    return ticket_no


async def _load(stack: Stack, played: list[str]) -> list[str]:
    """Copy the tickets that were played until there are enough; returns the copies' numbers."""
    database = await stack.connect()
    try:
        return await copy(database, played, 1, TICKETS // len(played), _TICKET)
    finally:
        await database.close()
