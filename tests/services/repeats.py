"""The way of an integrator with a 503, which says that nobody knows, and with a connection that is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx


async def until_known(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send the same again, under the same key, as long as the answer is 503, and when it says so (api.md, I1). A kept
    connection may be closed for its idleness just when it is used again: what was sent then is unknown too.

    Nobody waits without bound (I3, I17): of hundreds of requests at once, or of twenty on a machine that does much
    else, some find their time over before their turn. A test that is about something else repeats them, as whoever
    calls the API has to.
    """
    while True:
        try:
            answer = await send()
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            await asyncio.sleep(0.1)
            continue
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))
