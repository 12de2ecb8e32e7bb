"""Whole tickets per second, from the feedback to the confirmed end, against a bare workflow of the same shape."""

import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from temporalio.client import Client

from services.commands.rehearsal.figures import percentile
from services.contracts.names import ticket_workflow_id
from services.runtime.temporal.client import connect
from tests.bench.bare_ticket import QUEUE, BareTicket
from tests.bench.figures import AT_LEAST, AT_MOST, Figure, Goal
from tests.bench.intake import feedback
from tests.bench.load import Connection, Job, Run, until_done
from tests.bench.settling import until_settled
from tests.bench.stack import Stack

CONCURRENCY, ROUNDS, TICKETS, ALONE = 20, 3, 60, 15
FLOOR = "tests.bench.bare_workflow"
COMMANDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("accept", {}),
    ("respond", {"message": "您好，我们已收到您的报修。"}),
    ("plan", {"steps": "上门检测压缩机和温控器，必要时更换。", "cause": "hardware"}),
    ("resolve", {"result": "resolved", "summary": "已更换温控器。"}),
    ("record-callback", {"outcome": "satisfied", "channel": "phone"}),
)


async def measure(stack: Stack) -> list[Figure]:
    """Measure both in turns on the same engine; then the latency of a ticket that has the stack to itself."""
    client = await connect(stack.machine.addresses.temporal, secret=stack.machine.home.secret("internal"))
    connections = [Connection(stack.url, stack.key) for _ in range(CONCURRENCY)]
    async with floor_beside(stack):
        await until_done(whole_lives(connections, CONCURRENCY), CONCURRENCY)
        await until_done(bare_lives(client, CONCURRENCY), CONCURRENCY)
        ours, floor = [], []
        for _ in range(ROUNDS):
            ours.append(await until_done(whole_lives(connections, TICKETS), CONCURRENCY))
            await until_settled(stack)
            floor.append(await until_done(bare_lives(client, TICKETS), CONCURRENCY))
        bare_alone = await until_done(bare_lives(client, ALONE), 1)
    alone = await until_done(whole_lives(connections, ALONE), 1)
    updates = len(COMMANDS)
    return [
        Figure("tickets of 5 commands", _rate(ours), "tickets/s", _rate(floor), Goal(AT_LEAST, 0.7),
               f"{CONCURRENCY} at once, in turns; floor: {updates} updates, {updates} activities"),
        *_latencies("at once", CONCURRENCY, ours, floor),
        *_latencies("at once", 1, [alone], [bare_alone], Goal(AT_MOST, 25, absolute=True)),
    ]  # fmt: skip


def _latencies(
    name: str, at_once: int, ours: list[Run], floor: list[Run], goal: Goal | None = None
) -> Iterator[Figure]:
    """The goal is that of the median."""
    for share in (0.5, 0.99):
        mine, bare = (
            percentile([seconds for run in runs for seconds in run.latencies], share) * 1000 for runs in (ours, floor)
        )
        aim = goal if share == 0.5 else None
        yield Figure(f"command p{share * 100:g}, {at_once} {name}", mine, "ms", bare, aim, "floor: a bare update")


def _rate(runs: list[Run]) -> float:
    return TICKETS * len(runs) / sum(run.seconds for run in runs)


def whole_lives(connections: list[Connection], count: int) -> Iterator[Job]:
    """Jobs that take a free connection each."""

    async def ticket() -> list[float]:
        connection = connections.pop()
        try:
            _, latencies = await _live(connection)
        finally:
            connections.append(connection)
        return latencies

    return iter([ticket] * count)


async def _live(connection: Connection) -> tuple[str, list[float]]:
    """One ticket's life; the seconds of its commands, the first of which waits for the workflow to start."""
    answer = await connection.post("/v1/feedback", feedback(uuid.uuid4().int % 10_000_000))
    ticket_no = answer.json()["ticket_no"]
    latencies = []
    for name, body in COMMANDS:
        began = time.perf_counter()
        answer = await connection.post(f"/v1/tickets/{ticket_no}/{name}", body)
        latencies.append(time.perf_counter() - began)
        view = answer.json()
    if view["status"] != "closed":
        raise RuntimeError(f"ticket {ticket_no} ended {view['status']}")
    return ticket_no, latencies


async def history(stack: Stack, connection: Connection) -> tuple[int, int]:
    """Events, and activities among them, of a ticket that was closed and whose reopening window still runs."""
    client = await connect(stack.machine.addresses.temporal, secret=stack.machine.home.secret("internal"))
    ticket_no, _ = await _live(connection)
    history = await client.get_workflow_handle(ticket_workflow_id(ticket_no)).fetch_history()
    scheduled = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    return len(history.events), len(scheduled)


def floor_beside(stack: Stack) -> AbstractAsyncContextManager[int]:
    """The worker of the bare workflows, for as long as the block lasts; its pid."""
    address, secret = stack.machine.addresses.temporal, stack.machine.home.secret("internal")
    return stack.beside(FLOOR, BENCH_TEMPORAL_ADDRESS=address, BENCH_SECRET=secret)


def bare_lives(client: Client, count: int) -> Iterator[Job]:
    """Jobs that start a bare workflow each and update it as often as a ticket gets commands."""
    return iter([partial(_bare, client)] * count)


async def _bare(client: Client) -> list[float]:
    updates = len(COMMANDS)
    handle = await client.start_workflow(BareTicket.run, updates, id=f"bench-{uuid.uuid4().hex}", task_queue=QUEUE)
    latencies = []
    for step in range(updates):
        began = time.perf_counter()
        await handle.execute_update(BareTicket.command, step)
        latencies.append(time.perf_counter() - began)
    await handle.result()
    return latencies
