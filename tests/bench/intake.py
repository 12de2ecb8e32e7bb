"""Requests per second of `POST /v1/feedback` against a bare handler with one INSERT."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from statistics import median

from services.commands.rehearsal.figures import percentile
from services.runtime.stack.ports import free_port
from tests.bench.figures import AT_LEAST, AT_MOST, Figure, Goal
from tests.bench.load import Connection, Job, Run, for_a_while
from tests.bench.meter import Pids, costs, read
from tests.bench.stack import Stack

CONCURRENCY, ROUNDS, SECONDS, WARM_UP_SECONDS = 32, 4, 4.0, 1.5
POOL_SIZE = 10
CUSTOMERS = 500
FLOOR = "tests.bench.bare_intake"


def feedback(number: int) -> bytes:
    """One of many feedbacks; customers come back."""
    customer = number % CUSTOMERS
    return json.dumps(
        {
            "channel": "api",
            "customer": {
                "name": f"韩梅梅 {customer}",
                "phone": f"+86138{customer:08}",
                "customer_no": f"C{customer:05}",
            },
            "product": {"model": "BCD-500", "serial_no": f"SER{number:08}", "order_no": f"ORD{number:08}"},
            "kind": "fault",
            "category": "product_fault",
            "urgency": "normal",
            "description": "冰箱冷藏室不制冷，断电重启后仍然不行。",
            "already_tried": "断电重启",
            "desired_solution": "repair",
        },
        ensure_ascii=False,
    ).encode()


async def measure(stack: Stack) -> list[Figure]:
    """Measure both in turns, each in its process; the web process has no worker behind it meanwhile."""
    port = free_port()
    environment = {
        "BENCH_DATABASE_URL": stack.machine.addresses.owner_url,
        "BENCH_POOL_SIZE": str(POOL_SIZE),
        "BENCH_PORT": str(port),
    }
    async with stack.beside(FLOOR, **environment) as floor_pid:
        floor_url = f"http://127.0.0.1:{port}"
        await _until_it_answers(floor_url)
        numbers = itertools.count()
        sides = [_jobs(stack.url, stack.key, numbers), _jobs(floor_url, "", numbers)]
        for jobs in sides:
            await for_a_while(jobs, WARM_UP_SECONDS)
        pids = [("web", dict(stack.pids)["web"]), ("floor", floor_pid)]
        rounds = [[await _measured(jobs, pids) for jobs in sides] for _ in range(ROUNDS)]
    ours, floor = ([each[side][0] for each in rounds] for side in (0, 1))
    return [
        Figure("CPU a feedback", median(spent["web"] for (_, spent), _ in rounds), "ms",
               median(spent["floor"] for _, (_, spent) in rounds), note="of the web process; idle time included"),
        Figure("intake", _rate(ours), "req/s", _rate(floor), Goal(AT_LEAST, 0.9),
               f"{CONCURRENCY} at once, in turns, web process alone"),
        Figure("intake latency p50", _latency(ours, 0.5), "ms", _latency(floor, 0.5), Goal(AT_MOST, 1.3)),
        Figure("intake latency p99", _latency(ours, 0.99), "ms", _latency(floor, 0.99)),
    ]  # fmt: skip


async def _measured(jobs: list[Job], pids: Pids) -> tuple[Run, Mapping[str, float]]:
    """A run, and the CPU milliseconds that each process spent for a feedback of it."""
    before = read(pids)
    run = await for_a_while(jobs, SECONDS)
    return run, costs([read(pids).since(before)], len(run.latencies))


def _jobs(url: str, key: str, numbers: Iterator[int]) -> list[Job]:
    def job() -> Job:
        connection = Connection(url, key)

        async def register() -> list[float]:
            body = feedback(next(numbers))
            began = time.perf_counter()
            answer = await connection.post("/v1/feedback", body)
            elapsed = time.perf_counter() - began
            answer.json()
            return [elapsed]

        return register

    return [job() for _ in range(CONCURRENCY)]


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await Connection(url).get("/")
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return


def _rate(runs: list[Run]) -> float:
    return median(run.rate for run in runs)


def _latency(runs: list[Run], share: float) -> float:
    return percentile([seconds for run in runs for seconds in run.latencies], share) * 1000
