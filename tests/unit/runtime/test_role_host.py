"""A role's work begins and ends with its part; a worker starts again, and readiness tells of one that does not run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from services.runtime.errors import Unavailable
from services.runtime.http.internal import create_internal_app
from services.runtime.recurrence import every, until_done
from services.runtime.role_host import hosted
from services.runtime.role_parts import Part
from services.runtime.settings import RuntimeSettings
from services.runtime.temporal.worker_host import WorkerHost

SETTINGS = RuntimeSettings(internal_secret="between services")
AT_ONCE = timedelta(0)


class FakeWorker:
    """Opened as the SDK's worker is: a failure cancels whoever opened it, and is raised in place of that."""

    def __init__(self) -> None:
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.tried = asyncio.Event()
        self.opened: asyncio.Queue[int] = asyncio.Queue()
        self.closed: asyncio.Queue[int] = asyncio.Queue()
        self._count = 0
        self._opener: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        self.tried.set()
        await self.may_open.wait()
        self._opener, self._failure = asyncio.current_task(), None
        self._count += 1
        self.opened.put_nowait(self._count)
        try:
            yield
        except asyncio.CancelledError:
            raise (self._failure or asyncio.CancelledError()) from None
        finally:
            self.closed.put_nowait(self._count)

    def fail(self) -> None:
        assert self._opener is not None
        self._failure = RuntimeError("the worker failed")
        self._opener.cancel()


async def _last() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _running(host: WorkerHost) -> AsyncIterator[None]:
    task = asyncio.create_task(host.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_worker_that_dies_starts_again_each_time() -> None:
    worker = FakeWorker()
    async with asyncio.timeout(30), _running(WorkerHost(worker.open, [_last], pause_seconds=0)):
        for count in (1, 2, 3):
            assert await worker.opened.get() == count
            worker.fail()
        assert await worker.opened.get() == 4


async def test_a_worker_starts_again_with_what_fails_beside_it_also_after_it_has_died_itself() -> None:
    worker, fails = FakeWorker(), asyncio.Event()

    async def beside() -> None:
        await fails.wait()
        fails.clear()
        raise ValueError

    async with asyncio.timeout(30), _running(WorkerHost(worker.open, [beside], pause_seconds=0)):
        await worker.opened.get()
        worker.fail()
        assert await worker.opened.get() == 2
        fails.set()
        assert await worker.opened.get() == 3


async def test_a_worker_ends_with_its_host() -> None:
    worker = FakeWorker()
    async with asyncio.timeout(30):
        async with _running(WorkerHost(worker.open, [_last], pause_seconds=0)):
            await worker.opened.get()
        assert worker.closed.get_nowait() == 1
    assert worker.opened.empty()


async def test_readiness_tells_of_a_dead_worker_until_one_runs_again() -> None:
    worker = FakeWorker()
    host = WorkerHost(worker.open, [_last], pause_seconds=0)
    async with asyncio.timeout(30), _running(host):
        await host.check()
        await worker.opened.get()
        await host.check()
        worker.may_open.clear()
        worker.tried.clear()
        worker.fail()
        await worker.tried.wait()
        with pytest.raises(RuntimeError, match="the worker failed"):
            await host.check()
        worker.may_open.set()
        await worker.opened.get()
        await asyncio.sleep(0)  # what opened it goes on
        await host.check()


@pytest.mark.parametrize("dead", [0, 1, 2])
async def test_a_process_is_ready_only_while_the_worker_of_each_of_its_roles_is(dead: int) -> None:
    async def well() -> None: ...

    async def ended() -> None:
        raise RuntimeError

    parts = [Part(name=str(at), ready={"postgresql": well}, alive=well) for at in range(3)]
    assert await _readiness(parts) == (200, {"postgresql": "ok", "worker": "ok"})
    parts[dead] = Part(name=str(dead), ready={"postgresql": well}, alive=ended)
    assert await _readiness(parts) == (503, {"postgresql": "ok", "worker": "error"})


async def test_a_process_without_a_worker_says_nothing_of_one() -> None:
    assert await _readiness([Part(name="web")]) == (200, {})


async def _readiness(parts: list[Part]) -> tuple[int, object]:
    app = create_internal_app(parts, SETTINGS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://internal") as http:
        answer = await http.get("/readyz")
    return answer.status_code, answer.json()["dependencies"]


async def test_work_goes_on_while_its_role_lasts_and_ends_with_it_before_what_it_works_with() -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(30):
        async with hosted("sample", SETTINGS) as host:
            other = host.client("http://127.0.0.1:1")

            async def work() -> None:
                began.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    assert not other.is_closed
                    ended.set()

            host.run(work)
            await began.wait()
            await host.check_work()
        assert ended.is_set()
        assert other.is_closed


async def test_an_error_in_the_role_ends_its_work_too() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def role() -> None:
        async with hosted("sample", SETTINGS) as host:
            host.run(work)
            await asyncio.sleep(0)
            raise ValueError("the part")

    with pytest.raises(ValueError, match="the part"):
        await role()
    assert ended.is_set()


async def test_work_that_ended_by_an_error_is_told_and_leaves_the_rest_alone() -> None:
    failed = asyncio.Event()

    async def fails() -> None:
        failed.set()
        raise KeyError("lost")

    async with asyncio.timeout(30), hosted("sample", SETTINGS) as host:
        host.run(_last, fails)
        await failed.wait()
        await asyncio.sleep(0)
        with pytest.raises(KeyError, match="lost"):
            await host.check_work()


async def test_what_is_done_at_intervals_outlives_refusals() -> None:
    done: asyncio.Queue[int] = asyncio.Queue()

    async def do() -> None:
        done.put_nowait(1)
        raise Unavailable

    async with asyncio.timeout(30), hosted("sample", SETTINGS) as host:
        host.run(every(AT_ONCE, do))
        for _ in range(3):
            await done.get()
        await host.check_work()


async def test_what_is_done_once_is_tried_until_it_is_not_refused() -> None:
    tries: list[int] = []

    async def do() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable

    async with asyncio.timeout(30):
        await until_done(AT_ONCE, do)()
    assert len(tries) == 3
