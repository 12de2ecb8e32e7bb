"""The pages that staff look at all day, and the preview of a policy, with 10,000 tickets behind them.

The tickets are copies, row by row in PostgreSQL, of a few that were really played: customer, feedback, ticket, clocks,
journal and commands, under numbers and customers of their own, their due times apart by a minute. Their workflows are
not copied: no page asks the engine.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping

import asyncpg

from services.commands.rehearsal.figures import percentile
from tests.bench.figures import Figure
from tests.bench.intake import feedback
from tests.bench.load import Connection, Job, until_done
from tests.bench.stack import Stack
from tests.bench.tickets import COMMANDS

TICKETS, PLAYED = 10_000, 20
READS, WARM_UP, READERS = 200, 20, 8
CLERK = {"username": "li.lei", "name": "李雷", "roles": ["clerk"]}
_NUMBER = "'20200101' || lpad((n * 100 + place.at)::text, 7, '0')"
_CUSTOMER = "it.customer_id || '-' || n"
COPIED: Mapping[str, Mapping[str, str]] = {
    "intake.feedback": {
        "ticket_no": _NUMBER,
        "customer_id": _CUSTOMER,
        "idempotency_key": "NULL",
        "received_at": "it.received_at - n * interval '1 minute'",
    },
    "workflow.tickets": {
        "ticket_no": _NUMBER,
        "customer_id": _CUSTOMER,
        "opened_at": "it.opened_at - n * interval '1 minute'",
        "next_due_at": "it.next_due_at + n * interval '1 minute'",
    },
    "workflow.clocks": {"ticket_no": _NUMBER},
    # The transaction's number is copied too: it lies behind the feed's readers, so nobody is told of copies.
    "workflow.journal": {"ticket_no": _NUMBER, "command_id": "it.command_id || '-' || n"},
    "workflow.commands": {"ticket_no": _NUMBER, "id": "it.id || '-' || n", "key": "NULL"},
}
"""The tables, and what is not taken over as it is. `n` counts the copies of a ticket."""


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
        "board": itertools.repeat("/board"),
        "ticket page": (f"/tickets/{number}" for number in shown),
    }
    shown_pages = [figure for name, paths in pages.items() for figure in await _figures(name, readers, paths)]
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


async def _figures(name: str, readers: list[Connection], paths: Iterator[str]) -> list[Figure]:
    await until_done(_reads(readers, paths, WARM_UP), 1)
    figures = []
    for at_once in (1, READERS):
        run = await until_done(_reads(readers, paths, READS), at_once)
        for share in (0.5, 0.99):
            note = f"{TICKETS:,} tickets; {READS} reads as a clerk; {run.rate:.0f} pages/s" if share > 0.5 else ""
            value = percentile(run.latencies, share) * 1000
            figures.append(Figure(f"{name} p{share * 100:g}, {at_once} at once", value, "ms", None, None, note))
    return figures


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
        copies = TICKETS // len(played)
        async with database.transaction():
            await database.execute(
                "INSERT INTO intake.customers (id, name, phone, tier, created_at, updated_at)"
                " SELECT it.id || '-' || n, it.name, it.phone, it.tier, it.created_at, it.updated_at"
                " FROM intake.customers AS it CROSS JOIN generate_series(1, $1) AS n",
                copies,
            )
            for table, replaced in COPIED.items():
                await database.execute(await _copying(database, table, replaced), copies, played)
        await database.execute("VACUUM ANALYZE")
        rows = await database.fetch("SELECT ticket_no FROM workflow.tickets WHERE ticket_no LIKE '20200101%'")
        return [row["ticket_no"] for row in rows]
    finally:
        await database.close()


async def _copying(database: asyncpg.Connection, table: str, replaced: Mapping[str, str]) -> str:
    """The statement that copies `$1` times the rows of the tickets `$2`."""
    schema, name = table.split(".")
    columns = [
        row["column_name"]
        for row in await database.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2"
            " ORDER BY ordinal_position",
            schema,
            name,
        )
    ]
    values = ", ".join(replaced.get(column, f'it."{column}"') for column in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"
        f" FROM {table} AS it JOIN unnest($2::text[]) WITH ORDINALITY AS place (no, at) ON place.no = it.ticket_no"
        " CROSS JOIN generate_series(1, $1) AS n"
    )
