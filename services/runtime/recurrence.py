"""Work that is done again: at intervals, or until it succeeds. Both end by cancellation only, and outlive refusals."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from services.runtime.errors import Refusal

Work = Callable[[], Coroutine[Any, Any, None]]
"""Starts something that lasts."""

HOUR = timedelta(hours=1)


def every(interval: timedelta, do: Callable[[], Awaitable[object]]) -> Work:
    """Make work that does something now and after each interval; what is refused waits for the next one."""

    async def work() -> None:
        while True:
            with suppress(Refusal):
                await do()
            await asyncio.sleep(interval.total_seconds())

    return work


def until_done(pause: timedelta, do: Callable[[], Awaitable[object]]) -> Work:
    """Make work that does something once, again after each refusal."""

    async def work() -> None:
        while True:
            try:
                await do()
            except Refusal:
                await asyncio.sleep(pause.total_seconds())
            else:
                return

    return work
