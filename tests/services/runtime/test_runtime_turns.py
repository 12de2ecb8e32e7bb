"""Long work is done in turns: nobody's questions stop the others', and nobody waits for an answer to nobody."""

import asyncio
import threading
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter
from starlette.types import Message

from services.runtime.errors import RateLimited, Unavailable
from services.runtime.http.app import create_app
from services.runtime.security.auth import Authenticator, Caller
from services.runtime.settings import RuntimeSettings
from services.runtime.turns import Turns, in_thread

AT_ONCE, EACH = 3, 2


class ByName(Authenticator):
    """Believes everybody."""

    def __init__(self) -> None:
        super().__init__(verify_key_pem=None, internal_secret="", directory=None)

    async def authenticate(self, authorization: str | None) -> Caller:
        """Whoever the header names."""
        return Caller(kind="staff", id=str(authorization), name=str(authorization))


class SlowEndpoint:
    """An endpoint that computes until it is told to end."""

    def __init__(self, *, patience: float = 0) -> None:
        self.turns = Turns(at_once=AT_ONCE, each=EACH, patience=patience)
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.ends = asyncio.Event()
        self.cancelled = 0
        router = APIRouter()
        router.post("/v1/question", dependencies=[self.turns.of_question()])(self._work)
        router.post("/v1/change", dependencies=[self.turns.of_change()])(self._work)
        self.app = create_app("desk", router, settings=RuntimeSettings(), authenticator=ByName(), limited=False)

    async def _work(self) -> dict[str, str]:
        self.begun.put_nowait("begun")
        try:
            await self.ends.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return {}

    async def begin(self, who: str, path: str = "/v1/question") -> "asyncio.Task[httpx.Response]":
        """A request that has its turn."""
        asked = asyncio.create_task(self.ask(who, path))
        await self.begun.get()
        return asked

    async def ask(self, who: str, path: str = "/v1/question") -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
            return await http.post(path, json={}, headers={"Authorization": who})


@pytest.fixture
async def endpoint() -> SlowEndpoint:
    return SlowEndpoint()


async def test_a_caller_who_has_all_their_turns_is_told_when_to_come_back(endpoint: SlowEndpoint) -> None:
    begun = [await endpoint.begin("a"), await endpoint.begin("a", "/v1/change")]
    for path in ("/v1/question", "/v1/change"):
        refused = await endpoint.ask("a", path)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
    begun.append(await endpoint.begin("b"))
    endpoint.ends.set()
    assert {(await each).status_code for each in begun} == {200}
    assert (await endpoint.ask("a")).status_code == 200


async def test_no_more_work_is_done_at_once_than_there_are_turns(endpoint: SlowEndpoint) -> None:
    begun = [await endpoint.begin(who) for who in ("a", "a", "b")]
    refused = await endpoint.ask("c")
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    endpoint.ends.set()
    await asyncio.gather(*begun)
    assert (await endpoint.ask("c")).status_code == 200


async def test_who_is_patient_gets_the_turn_of_one_who_has_finished() -> None:
    endpoint = SlowEndpoint(patience=30)
    begun = [await endpoint.begin(who) for who in ("a", "a", "b")]
    waiting = [asyncio.create_task(endpoint.ask("a")) for _ in range(EACH)]
    await until(lambda: sum(own.waiting for own in endpoint.turns._own.values()) == EACH)
    assert (await endpoint.ask("a")).status_code == 429  # as many of theirs wait already
    endpoint.ends.set()
    assert {(await each).status_code for each in (*begun, *waiting)} == {200}
    assert not endpoint.turns._own


async def test_a_question_ends_when_its_caller_hangs_up_and_gives_its_turn_back(endpoint: SlowEndpoint) -> None:
    for path, cancelled in (("/v1/question", 1), ("/v1/change", 0)):
        endpoint.cancelled = 0
        gone = asyncio.Event()
        asked = asyncio.create_task(_hanging_up(endpoint, path, gone))
        await endpoint.begun.get()
        gone.set()
        if cancelled:
            await asked
        assert endpoint.cancelled == cancelled
        endpoint.ends.set()
        await asked
        endpoint.ends.clear()
    assert not endpoint.turns._own


async def _hanging_up(endpoint: SlowEndpoint, path: str, gone: asyncio.Event) -> None:
    body: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Message:
        if body:
            return body.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        pass

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"authorization", b"a")],
        "client": ("127.0.0.1", 1), "server": ("desk", 80),
        "scheme": "http", "root_path": "", "http_version": "1.1", "state": {}, "app": endpoint.app,
    }  # fmt: skip
    await endpoint.app(scope, receive, send)


async def test_a_turn_lasts_as_long_as_its_thread_though_its_caller_is_gone() -> None:
    turns, begun, ends = Turns(at_once=1, each=1, patience=0), threading.Event(), threading.Event()

    def compute() -> None:
        begun.set()
        ends.wait(30)

    async def work() -> None:
        async with turns.taken("a"):
            await in_thread(compute)

    working = asyncio.create_task(work())
    await asyncio.to_thread(begun.wait, 30)
    working.cancel()
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        async with turns.taken("a"):
            pass
    with pytest.raises(Unavailable):
        async with turns.taken("b"):
            pass
    ends.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    async with turns.taken("b"):
        pass


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0)


async def test_a_thread_s_answer_and_mistake_are_the_caller_s() -> None:
    assert await in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await in_thread(divmod, 7, 0)
