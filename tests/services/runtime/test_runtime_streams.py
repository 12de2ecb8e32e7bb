"""Streams do not take the places of requests: everybody may look on while others work (invariant I17)."""

import asyncio
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.runtime.http.app import create_app
from services.runtime.http.edge import leave_the_bound
from services.runtime.settings import RuntimeSettings

router = APIRouter()
ended = asyncio.Event()


async def _until_the_end() -> AsyncIterator[bytes]:
    await ended.wait()
    yield b"end"


@router.get("/stream")
async def stream(request: Request) -> StreamingResponse:
    leave_the_bound(request)
    return StreamingResponse(_until_the_end())


@router.get("/slow")
async def slow() -> str:
    await ended.wait()
    return "done"


@router.get("/quick")
async def quick() -> str:
    return "done"


async def test_open_streams_leave_room_for_requests_and_slow_requests_do_not() -> None:
    app = create_app("shop", router, settings=RuntimeSettings(max_requests=2), authenticator=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        streams = [asyncio.create_task(client.get("/stream")) for _ in range(5)]
        await asyncio.sleep(0)
        assert [(await client.get("/quick")).status_code for _ in range(3)] == [200] * 3
        requests = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
        async with asyncio.timeout(30):
            while (await client.get("/quick")).status_code == 200:  # noqa: ASYNC110 - nothing tells that they wait
                await asyncio.sleep(0)  # a call within one process may never let the others run
        ended.set()
        assert [(await each).text for each in streams] == ["end"] * 5
        assert [(await each).status_code for each in requests] == [200] * 2
        assert (await client.get("/quick")).status_code == 200
