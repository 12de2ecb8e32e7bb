"""The server of one port: uvicorn, with deadlines for those who send or read too slowly and a bound on connections."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from typing import cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.runtime.errors import HeadersTooLarge, MalformedRequest, Refusal, RequestTimedOut, Unavailable
from services.runtime.http.problems import problem_response
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import requests_shed_total

KEEP_ALIVE_SECONDS = 5
GRACE_SECONDS = 20
# The edge answers a late body with a problem; the connection of one that goes on ends a little later.
_LINGER_SECONDS = 2.0
_READ_SECONDS = 30.0
_TICKS_A_SECOND = 10
_BACKLOG = 2048
BIND_SECONDS = 10.0
"""How long a port may be held by what is about to end: the process before, or a connection that was lent it."""


class PortTaken(Exception):
    """Somebody else keeps the port; a sentence for whoever started the process."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"Port {port} of {host} is taken by another program: end it, or set another port.")


class Server(uvicorn.Server):
    """A server that leaves signals to its process and cuts stalled connections once a second."""

    port_shared = False
    """Whether other processes bind the port too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: a process runs two servers and stops them in its own order, by `should_exit`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind the port, and begin.

        Raises:
            PortTaken: it was not free within `BIND_SECONDS`.
        """
        await super().startup(sockets or [await _bound(self.config.host, self.config.port, shared=self.port_shared)])

    async def on_tick(self, counter: int) -> bool:
        """Sweep, besides what uvicorn does."""
        if counter % _TICKS_A_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(BoundedProtocol, connection).cut_if_stalled(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell those who keep a request waiting, then wait for the requests in flight."""
        cast(FastAPI, self.config.app).state.stopping.set()
        await super().shutdown(sockets)

    @property
    def port(self) -> int:
        """The port that was bound, once `started`."""
        return int(self.servers[0].sockets[0].getsockname()[1])


async def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    deadline = asyncio.get_running_loop().time() + BIND_SECONDS
    while True:
        try:
            return _bind(host, port, shared=shared)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if asyncio.get_running_loop().time() > deadline:
                raise PortTaken(host, port) from None
        await asyncio.sleep(0.1)


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        # Two sockets that do not listen yet may share a port.
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def build_server(app: FastAPI, *, host: str, port: int, settings: RuntimeSettings, port_shared: bool = False) -> Server:
    """Build a server, not yet running: `await it.serve()`, stop by `it.should_exit = True`; port 0 takes a free one."""

    class Protocol(BoundedProtocol):
        """The protocol with this server's bounds."""

        most_connections = settings.max_connections
        most_header_bytes = settings.max_header_bytes
        receive_seconds = settings.receive_seconds

    server = Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    server.port_shared = port_shared
    return server


class BoundedProtocol(HttpToolsProtocol):
    """One connection. uvicorn waits for ever for the rest of a request and keeps heads of any size."""

    most_connections = 1000
    most_header_bytes = 32_768
    receive_seconds = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse a connection too many; start the clock of the first head."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._waiting_for_head = True
        self._head_begun = False
        self._ended = False
        self._refusal: Refusal | None = None
        self._stalled_since: float | None = None
        self._late_at: float | None = self.loop.time() + self.receive_seconds
        if len(self.connections) > self.most_connections:
            requests_shed_total.labels("connections").inc()
            self._ended = True
            transport.write(_raw(Unavailable(retry_after=1)))
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Bound a head that comes in pieces; the clock of a request starts with its first byte."""
        if self._ended:
            return
        if self._late_at is None and self._waiting_for_head:
            self._late_at = self.loop.time() + self.receive_seconds
        continued = self._head_begun
        super().data_received(data)
        if continued and self._head_begun:
            self._head_bytes += len(data)
            if self._head_bytes > self.most_header_bytes:
                self._end(HeadersTooLarge())

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        self._head_begun = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Refuse a large head; start the clock of the body."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.most_header_bytes:
            self._refusal = HeadersTooLarge()
            raise ValueError("the parser turns this into send_400_response")
        super().on_headers_complete()
        self._waiting_for_head = self._head_begun = False
        self._late_at = self.loop.time() + self.receive_seconds + _LINGER_SECONDS

    def on_message_complete(self) -> None:
        """Stop the clock; the next byte begins the next head."""
        self._waiting_for_head = True
        self._late_at = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed with a problem document."""
        del msg
        self._end(self._refusal or MalformedRequest())

    def cut_if_stalled(self, now: float) -> None:
        """End the connection if its request is late, or if its answer has not been read for long."""
        if self._late_at is not None and now > self._late_at:
            self._end(RequestTimedOut())
        self._stalled_since = (self._stalled_since or now) if self.flow.write_paused else None
        if self._stalled_since is not None and now - self._stalled_since > _READ_SECONDS:
            self.transport.abort()

    def _end(self, refusal: Refusal) -> None:
        """Answer where the client can still take it as the answer to its request, and hang up."""
        if self._ended or not self._can_answer():
            self.transport.abort()
            return
        self._ended = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closing with unread bytes resets the connection before the client has read why; the sweep ends it.
        self._late_at = self.loop.time() + _LINGER_SECONDS
        self.transport.write(_raw(refusal))
        self.transport.write_eof()

    def _can_answer(self) -> bool:
        if self.cycle is None:
            return True
        if self.cycle.response_complete:
            return self._waiting_for_head
        return not self.cycle.response_started and not self.pipeline


def _raw(refusal: Refusal) -> bytes:
    response = problem_response(refusal)
    headers = [*response.raw_headers, (b"connection", b"close")]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[refusal.status] + lines + b"\r\n" + bytes(response.body)
