"""Turns at what takes long: so many at once, so many for each caller, and none for a caller who hung up.

A computation in Python holds up whatever else the process does, be it in a thread. So nobody gets more than their
turns, and threads of their own keep it away from those that check passwords.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from fastapi import Depends, Request

from services.runtime.errors import RateLimited, Unavailable
from services.runtime.security.auth import Caller, CallerDep
from services.runtime.telemetry import requests_shed_total

PATIENCE_SECONDS = 2.0
RETRY_SECONDS = 5
_THREADS = 4

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(eq=False)
class _Own:
    """The turns of one caller."""

    free: asyncio.Semaphore
    waiting: int = 0


class Turns:
    """Turns at one kind of work: an endpoint waits two seconds for one, and gives it back when it has its answer.

    Whoever has `each` turns already, and as many requests waiting, is refused at once.
    """

    def __init__(self, *, at_once: int, each: int, patience: float = PATIENCE_SECONDS) -> None:
        self._all = asyncio.Semaphore(at_once)
        self._each = each
        self._patience = patience
        self._own: WeakValueDictionary[str, _Own] = WeakValueDictionary()

    def of_question(self) -> Any:
        """Make an endpoint that changes nothing work in its turn, until its caller hangs up: `dependencies=[...]`."""

        async def take(request: Request, caller: CallerDep) -> AsyncIterator[None]:
            await request.body()  # or the watcher would take it away
            async with self.taken(_name(caller)), _while_connected(request):
                yield

        return Depends(take, scope="function")

    def of_change(self) -> Any:
        """Make an endpoint work in its turn to the end: half a change is none."""

        async def take(caller: CallerDep) -> AsyncIterator[None]:
            async with self.taken(_name(caller)):
                yield

        return Depends(take, scope="function")

    @asynccontextmanager
    async def taken(self, who: str) -> AsyncIterator[None]:
        """A turn of `who`, until the block ends.

        Raises:
            RateLimited: they have all their turns.
            Unavailable: others have all the turns that there are.
        """
        own = self._own.get(who)
        if own is None:
            own = self._own[who] = _Own(asyncio.Semaphore(self._each))
        await self._take_own(own)
        try:
            await self._take_one_of_all()
            try:
                yield
            finally:
                self._all.release()
        finally:
            own.free.release()

    async def _take_own(self, own: _Own) -> None:
        if own.free.locked() and own.waiting >= self._each:
            raise _too_many()
        own.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await own.free.acquire()
        except TimeoutError as error:
            raise _too_many() from error
        finally:
            own.waiting -= 1

    async def _take_one_of_all(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._all.acquire()
        except TimeoutError as error:
            requests_shed_total.labels("turns").inc()
            raise Unavailable(
                {
                    "en": "Others are having such things computed; nothing was done: ask again.",
                    "zh": "正在为其他人计算同类内容；本次未执行任何操作，请稍后重试。",
                },
                retry_after=RETRY_SECONDS,
            ) from error


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Compute in a thread. Whoever is cancelled meanwhile waits for its end: a turn lasts as long as its work."""
    context = copy_context()
    job = _threads.submit(lambda: context.run(function, *args, **kwargs))
    computed = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(computed)
    except asyncio.CancelledError:
        if not job.cancel():
            await asyncio.wait({computed})
        raise


@asynccontextmanager
async def _while_connected(request: Request) -> AsyncIterator[None]:
    """Cancel the block when the caller hangs up."""
    worker, gone = asyncio.current_task(), False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        if worker is not None:
            worker.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not gone or worker is None:
            raise
        worker.uncancel()
        # Nobody reads it; the server must not take it for its own end.
        raise Unavailable from None
    finally:
        watching.cancel()


def _name(caller: Caller) -> str:
    return f"{caller.kind}:{caller.id}"


def _too_many() -> RateLimited:
    requests_shed_total.labels("turns").inc()
    return RateLimited(
        RETRY_SECONDS,
        {
            "en": "What you asked for before is still being computed: wait for its answer.",
            "zh": "您之前的请求仍在计算中：请等待其完成。",
        },
    )


_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="turns")
