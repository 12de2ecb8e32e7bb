"""A server that stops does not wait for those who wait for news."""

import asyncio

import httpx
from fastapi import APIRouter, Request

from services.runtime.http.app import create_app
from services.runtime.settings import RuntimeSettings
from tests.services.runtime.conftest import serving

router = APIRouter()
asked = asyncio.Event()


@router.get("/news")
async def wait_for_news(request: Request) -> dict[str, str]:
    """Wait until there is some, or until nobody can be told any more."""
    asked.set()
    await request.app.state.stopping.wait()
    return {"news": "none"}


async def test_a_request_kept_waiting_is_answered_when_the_server_stops(settings: RuntimeSettings) -> None:
    app = create_app("news", router, settings=settings, authenticator=None)
    async with serving(app, settings) as server, httpx.AsyncClient(trust_env=False) as client:
        waiting = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/news"))
        await asked.wait()
        server.should_exit = True
        answer = await waiting
    assert answer.json() == {"news": "none"}
