"""The stream of alerts: server-sent events of what changed, within the caller's reach (invariants I16, I17)."""

import asyncio
import math
import time
from collections import Counter as Tally
from collections.abc import AsyncIterator

from fastapi import Request, Response
from prometheus_client import Gauge
from sse_starlette.event import ServerSentEvent
from sse_starlette.sse import EventSourceResponse

from services.notify.alerts import queries
from services.notify.alerts.service import Alerts
from services.notify.alerts.store import CHANGED_CHANNEL
from services.runtime.errors import RateLimited, Refusal, Unauthenticated, Unavailable
from services.runtime.http.edge import leave_the_bound
from services.runtime.security.auth import Authenticator, Caller

HEARTBEAT_SECONDS = 15.0
_LOOK_AGAIN_SECONDS, _SETTLING_SECONDS = 1.0, 0.05
_PAGE = 100
_READ_SECONDS = 30.0
MOST_OF_ONE_CALLER = 10

streams_gauge = Gauge("bihuan_alert_streams", "Streams of alerts that are open.")


class AlertStreams:
    """Every open stream of one process; one connection to PostgreSQL listens for all of them."""

    def __init__(self, alerts: Alerts, most: int) -> None:
        self._alerts = alerts
        self._most = most
        self._open: Tally[str] = Tally()
        self._rung = asyncio.Event()

    async def listen(self) -> None:
        """Hear of every change, until cancelled."""
        await self._alerts.database.listen(CHANGED_CHANNEL, lambda _: self._ring())

    async def open(self, request: Request, caller: Caller, last_event_id: str | None) -> Response:
        """Answer a stream.

        Raises:
            ValidationFailed: no event has this id.
            RateLimited, Unavailable: the caller, or everybody together, has too many open.
        """
        if last_event_id is not None:
            queries.read_place(last_event_id)
        place = last_event_id or await self._present()
        self._require_room(caller)
        leave_the_bound(request)
        return EventSourceResponse(
            self._events(request, caller, place),
            ping=HEARTBEAT_SECONDS,
            send_timeout=_READ_SECONDS,
            headers={"Cache-Control": "no-store"},
        )

    def _ring(self) -> None:
        # Each ring has its own event: one that comes while somebody reads is heard when they wait.
        self._rung.set()
        self._rung = asyncio.Event()

    async def _present(self) -> str:
        async with self._alerts.database.read() as connection:
            return await queries.position(connection)

    def _require_room(self, caller: Caller) -> None:
        if self._open[caller.id] >= MOST_OF_ONE_CALLER:
            raise RateLimited(retry_after=5)
        if self._open.total() >= self._most:
            raise Unavailable(retry_after=5)

    async def _events(self, request: Request, caller: Caller, place: str) -> AsyncIterator[ServerSentEvent]:
        self._open[caller.id] += 1
        streams_gauge.inc()
        try:
            # Tells at once where the stream begins, so that an interruption before the first event loses nothing.
            yield ServerSentEvent(event="position", id=place, data="{}", retry=2000)
            async for event in self._changes(request, caller, place):
                yield event
        finally:
            self._open[caller.id] -= 1
            self._open += Tally()  # drops those who have none open
            streams_gauge.dec()

    async def _changes(self, request: Request, caller: Caller, place: str) -> AsyncIterator[ServerSentEvent]:
        stopping: asyncio.Event = request.app.state.stopping
        authenticator: Authenticator = request.app.state.authenticator
        # Rights may have changed before it began.
        checked_at, news = -math.inf, authenticator.news
        while not stopping.is_set():
            rung = self._rung
            if news.is_set() or time.monotonic() - checked_at > HEARTBEAT_SECONDS:
                news = authenticator.news
                if not await _is_the_same(request, caller):
                    return
                checked_at = time.monotonic()
            try:
                views, found = await self._alerts.changes(caller, place, _PAGE)
            except Refusal:
                await _first_of(_LOOK_AGAIN_SECONDS, rung, news, stopping)
                continue
            place = found.place
            for behind, alert in views:
                yield ServerSentEvent(event="alert", id=behind, data=alert.model_dump_json())
            if not views:
                # While an older transaction runs, nothing rings when it ends.
                seconds = _SETTLING_SECONDS if found.more_is_coming else HEARTBEAT_SECONDS
                await _first_of(seconds, rung, news, stopping)


async def _is_the_same(request: Request, caller: Caller) -> bool:
    """Whether whoever opened the stream is still signed in, with the same rights; a directory that is away ends
    nothing."""
    authenticator: Authenticator = request.app.state.authenticator
    try:
        return await authenticator.authenticate(request.headers.get("authorization")) == caller
    except Unauthenticated:
        return False
    except Refusal:
        return True


async def _first_of(seconds: float, *events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
