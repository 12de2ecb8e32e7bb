"""The way of an integrator with a 503, which says that nobody knows."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx


async def until_known(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send the same again, under the same key, as long as the answer is 503, and when it says so (api.md, I1).

    Nobody waits without bound (I3, I17): of hundreds of requests at once, or of twenty on a machine that does much
    else, some find their time over before their turn. A test that is about something else repeats them, as whoever
    calls the API has to.
    """
    while (answer := await send()).status_code == HTTPStatus.SERVICE_UNAVAILABLE:  # noqa: ASYNC110 - a client's repeat
        await asyncio.sleep(float(answer.headers["Retry-After"]))
    return answer
