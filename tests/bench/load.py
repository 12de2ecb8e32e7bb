"""The load generator: HTTP/1.1 on kept connections, little more than a socket, so that it is not what is measured."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

UNAVAILABLE, TRIES, PAUSE_SECONDS = 503, 20, 0.5


@dataclass(frozen=True)
class Answer:
    """Status and body of a response."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body of a response that must be a success."""
        if self.status >= 300:
            raise RuntimeError(f"{self.status}: {self.body[:500].decode(errors='replace')}")
        return json.loads(self.body)


class Connection:
    """One kept connection; requests on it come one after another. A connection that was closed is opened again."""

    def __init__(self, url: str, key: str = "", cookie: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\nContent-Type: application/json\r\n"
        self._head += f"Cookie: {cookie}\r\n" if cookie else f"Authorization: Bearer {key}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Mapping[str, Any] | bytes) -> Answer:
        """Post with a new `Idempotency-Key`, and again with the same one while the answer is 503, unknown."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        key = f"Idempotency-Key: {uuid.uuid4().hex}\r\n"
        for _ in range(TRIES):
            answer = await self._send("POST", path, key, content)
            if answer.status != UNAVAILABLE:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        return answer

    async def put(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Put."""
        return await self._send("PUT", path, "", json.dumps(body).encode())

    async def get(self, path: str) -> Answer:
        """Get."""
        return await self._send("GET", path, "", b"")

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            with suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None

    async def _send(self, method: str, path: str, extra: str, content: bytes) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{extra}Content-Length: {len(content)}\r\n\r\n"
        try:
            return await self._exchange(head.encode() + content)
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            return await self._exchange(head.encode() + content)

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return Answer(int(head[9:12]), await reader.readexactly(length))


@dataclass(frozen=True)
class Run:
    """The result of a load."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds


Job = Callable[[], Awaitable[list[float]]]
"""Does one piece of work and answers the seconds of each request in it."""


async def for_a_while(jobs: list[Job], seconds: float) -> Run:
    """Repeat each job, side by side with the others, until the time is over."""
    latencies: list[float] = []
    began = time.perf_counter()

    async def work(job: Job) -> None:
        while time.perf_counter() - began < seconds:
            latencies.extend(await job())

    await asyncio.gather(*map(work, jobs))
    return Run(time.perf_counter() - began, latencies)


async def until_done(jobs: Iterator[Job], at_once: int) -> Run:
    """Do every job once, so many at a time."""
    latencies: list[float] = []
    began = time.perf_counter()

    async def work() -> None:
        for job in jobs:
            latencies.extend(await job())

    await asyncio.gather(*(work() for _ in range(at_once)))
    return Run(time.perf_counter() - began, latencies)
