"""Survey answers per second, by links of tickets that were really closed."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

from services.commands.rehearsal.figures import percentile
from tests.bench import lives
from tests.bench.figures import AT_MOST, Figure, Goal
from tests.bench.load import Connection, Job, until_done
from tests.bench.stack import Stack

TICKETS, CONCURRENCY = 200, 16
COMMANDS: lives.Commands = (
    ("accept", {}),
    ("resolve", {"result": "resolved", "summary": "已更换温控器。"}),
    ("record-callback", {"outcome": "satisfied", "channel": "phone"}),
)


async def measure(stack: Stack) -> list[Figure]:
    """Close tickets, collect the links of their surveys, and answer them all as fast as they are taken."""
    connections = [Connection(stack.url, stack.key) for _ in range(CONCURRENCY)]
    surveys: list[dict[str, Any]] = []
    await until_done(_closing(connections, surveys), CONCURRENCY)
    answering = await until_done(_answering(connections, surveys), CONCURRENCY)
    milliseconds = [seconds * 1000 for seconds in answering.latencies]
    lost = TICKETS - await _answered(connections[0])
    note = f"{TICKETS} surveys, {CONCURRENCY} at once; journal and workflows follow meanwhile"
    return [
        Figure("survey answers", answering.rate, "/s", None, None, note),
        Figure("survey answer p50", percentile(milliseconds, 0.5), "ms"),
        Figure("survey answer p99", percentile(milliseconds, 0.99), "ms"),
        Figure("survey answers lost", lost, "", None, Goal(AT_MOST, 0)),
    ]


def _closing(connections: list[Connection], surveys: list[dict[str, Any]]) -> Iterator[Job]:
    numbers = itertools.count()

    async def close() -> list[float]:
        connection = connections.pop()
        try:
            ticket_no = await lives.live(connection, next(numbers), COMMANDS)
            surveys.append(await lives.survey_of(connection, ticket_no))
        finally:
            connections.append(connection)
        return []

    return iter([close] * TICKETS)


def _answering(connections: list[Connection], surveys: list[dict[str, Any]]) -> Iterator[Job]:
    rest = list(surveys)

    async def answer() -> list[float]:
        connection, survey = connections.pop(), rest.pop()
        began = time.perf_counter()
        try:
            await lives.answer(connection, survey["link"])
        finally:
            connections.append(connection)
        return [time.perf_counter() - began]

    return iter([answer] * TICKETS)


async def _answered(connection: Connection) -> int:
    """Number that the API lists as answered."""
    count, cursor = 0, ""
    while True:
        page = (await connection.get(f"/v1/surveys?state=answered&limit=200{cursor}")).json()
        count += len(page["items"])
        if page["next_cursor"] is None:
            return count
        cursor = f"&cursor={page['next_cursor']}"
