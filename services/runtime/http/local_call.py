"""A request to an app of this process, without a connection: the app sees what a server would hand it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope

Answer = tuple[int, Mapping[bytes, bytes], bytes]
"""Status, headers by their lower-case names, body."""


@dataclass(frozen=True)
class LocalCall:
    """One request. `path` is quoted, `query` encoded; `client` is the address that it counts for."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    client: str = ""

    async def answered_by(self, app: ASGIApp, *, seconds: float) -> Answer:
        """Let `app` answer. A request that takes longer goes on, as it would at a server whose client hung up.

        Raises:
            TimeoutError: no answer in `seconds`.
        """
        exchange = _Exchange(self.body)
        answering = asyncio.ensure_future(app(self._scope(), exchange.receive, exchange.send))
        _going_on.add(answering)
        answering.add_done_callback(_over)
        done, _ = await asyncio.wait({answering}, timeout=seconds)
        if not done:
            exchange.hang_up()
            raise TimeoutError
        answering.result()
        return exchange.answer

    def _scope(self) -> Scope:
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.body:
            headers.append((b"content-length", str(len(self.body)).encode()))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "http",
            "method": self.method,
            "path": unquote(self.path),
            "raw_path": self.path.encode(),
            "query_string": self.query.encode(),
            "root_path": "",
            "headers": headers,
            "client": (self.client, 0) if self.client else None,
            "server": None,
            "state": {},
        }


_going_on: set["asyncio.Future[None]"] = set()
"""Requests that nobody may wait for any more; the loop alone would let them be collected."""


def _over(task: "asyncio.Future[None]") -> None:
    _going_on.discard(task)
    if not task.cancelled():
        task.exception()


class _Exchange:
    """The channels of one request."""

    def __init__(self, body: bytes) -> None:
        self._waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._gone = asyncio.Event()
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []

    @property
    def answer(self) -> Answer:
        """The answer, as far as it was sent."""
        return self._status, self._headers, b"".join(self._pieces)

    def hang_up(self) -> None:
        """Tell the app that nobody waits."""
        self._gone.set()

    async def receive(self) -> Message:
        """Hand over the body, and then nothing until nobody waits."""
        if self._waiting:
            return self._waiting.pop()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Keep a piece of the answer."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = dict(message.get("headers", ()))
        else:
            self._pieces.append(message.get("body", b""))
