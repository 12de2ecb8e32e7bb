"""One pass over what is due for one webhook: lanes side by side, the deliveries of a lane one after another.

A delivery that fails holds its lane. Several tries in a row without any answer make the whole webhook rest, so that a
dead receiver costs a few requests a minute and not one for every ticket.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from services.contracts.base import format_instant
from services.contracts.webhook import Carried
from services.notify.webhooks.metrics import measure
from services.notify.webhooks.notices import ExhaustionNotices
from services.notify.webhooks.outcomes import Outcomes
from services.notify.webhooks.pauses import Pauses
from services.notify.webhooks.queries import QueueHead, QueueHeads, SharedConnections
from services.notify.webhooks.request import GONE, SILENT, Reply, SendError, WebhookSender
from services.notify.webhooks.secrets import Secrets
from services.notify.webhooks.signatures import signed_headers
from services.notify.webhooks.thin_data import thin
from services.runtime.errors import Unavailable

PASS_SECONDS = 20.0
"""After this long a pass takes up no more lanes: a worker that is told to stop waits for it."""
LOOK_SECONDS = 0.5
STRIKES = 5
REST = timedelta(minutes=1)
HANDED_OVER = timedelta(seconds=1)
_ASKS_FOR_REST = frozenset({429, 503})


@dataclass
class _Pass:
    webhook_id: str
    began_at: datetime
    is_stopping: Callable[[], bool]
    started: float = field(default_factory=monotonic)
    silences: int = 0
    """Tries in a row, over all lanes, to which nobody answered."""
    error: BaseException | None = None
    """What ended a lane; the others finish what they are at, so that it need not be sent again."""

    @property
    def now(self) -> datetime:
        """The workflow's time, going on from the beginning of the pass."""
        return self.began_at + timedelta(seconds=monotonic() - self.started)

    @property
    def earliest(self) -> datetime:
        """The earliest instant at which what is due already is carried on: at once by the workflow's own time, which
        stood still during the pass; or by another worker after a timer, since this one would take it up again and again
        until it ends."""
        return self.began_at + (HANDED_OVER if self.is_stopping() else timedelta(0))

    @property
    def goes_on(self) -> bool:
        """Whether further deliveries may be taken up."""
        has_time = not self.is_stopping() and monotonic() - self.started < PASS_SECONDS
        return has_time and self.silences < STRIKES and self.error is None


class Dispatcher:
    """Carries what is due; one per process."""

    def __init__(
        self,
        connections: SharedConnections,
        sender: WebhookSender,
        secrets: Secrets,
        pauses: Pauses,
        exhaustion: ExhaustionNotices,
        *,
        parallel: int,
    ) -> None:
        self._heads = QueueHeads(connections)
        self._outcomes = Outcomes(connections)
        self._sender = sender
        self._secrets = secrets
        self._pauses = pauses
        self._exhaustion = exhaustion
        self._parallel = parallel

    async def carry(self, webhook_id: str, now: datetime, is_stopping: Callable[[], bool]) -> Carried:
        """Deliver what is due at `now` and what becomes due meanwhile.

        Raises:
            Unavailable: PostgreSQL is away; what was delivered and not entered is delivered again under the same id.
        """
        turn = _Pass(webhook_id, now, is_stopping)
        await self._deliver(turn)
        if turn.silences >= STRIKES:
            await self._outcomes.rest(webhook_id, turn.now + REST, silent=True)
        tell_at = await self._exhaustion.tell(webhook_id, turn.now)
        return await self._standing(turn, tell_at)

    async def _standing(self, turn: _Pass, tell_at: datetime | None) -> Carried:
        standing = await self._heads.standing(turn.webhook_id)
        if standing is None:
            return Carried(over=True)
        if standing.deleted_at:
            await self._outcomes.remove(turn.webhook_id)
            return Carried(over=True)
        instants = [tell_at] if tell_at else []
        if standing.active and standing.lanes:
            due_at = max(each for each in (turn.began_at, standing.next_try_at, standing.rests_until) if each)
            instants.append(due_at if due_at > turn.now else turn.earliest)
        next_at = min(instants, default=None)
        return Carried(over=not standing.active and next_at is None, next_at=next_at)

    async def _deliver(self, turn: _Pass) -> None:
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while await self._take_up(turn, running):
                done, _ = await asyncio.wait(running.values(), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
                for lane in [lane for lane, task in running.items() if task in done]:
                    turn.error = running.pop(lane).exception() or turn.error
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)
        if turn.error:
            raise turn.error

    async def _take_up(self, turn: _Pass, running: dict[str, asyncio.Task[None]]) -> bool:
        """Start on lanes that are due, as far as there is room; answers whether anything is under way."""
        room = self._parallel - len(running)
        if room > 0 and turn.goes_on:
            for lane in await self._heads.due(turn.webhook_id, turn.now, running.keys(), room):
                running[lane] = asyncio.create_task(self._carry_lane(turn, lane))
        return bool(running)

    async def _carry_lane(self, turn: _Pass, lane: str) -> None:
        while turn.goes_on:
            head = await self._heads.head(turn.webhook_id, lane)
            if head is None:
                return
            if head.delivery is None:
                await self._outcomes.close(head)
                return
            if not await self._try(turn, head, head.delivery):
                return

    async def _try(self, turn: _Pass, head: QueueHead, delivery: Mapping[str, Any]) -> bool:
        """Send one delivery and enter how it went; answers whether the lane goes on."""
        reply = await self._send(head, delivery)
        turn.silences = turn.silences + 1 if reply.error in SILENT else 0
        now = turn.now
        attempt = {
            "at": format_instant(now),
            "status": reply.status,
            "error": reply.error,
            "duration_ms": int(reply.duration.total_seconds() * 1000),
        }
        if reply.error is None:
            await _patiently(lambda: self._outcomes.delivered(head, attempt, now))
            measure("delivered", reply.duration)
            return True
        if reply.status == GONE:
            await self._outcomes.gone(head, attempt, now)
            measure("gone", reply.duration)
            return False
        return await self._fail(turn, head, attempt, reply)

    async def _fail(self, turn: _Pass, head: QueueHead, attempt: dict[str, Any], reply: Reply) -> bool:
        now = turn.now
        since = head.failing_since or now
        next_try_at = self._pauses.next_try_at(now, head.failures + 1, since, reply.retry_after)
        await self._outcomes.failed(head, attempt, since, next_try_at)
        if reply.retry_after and reply.status in _ASKS_FOR_REST:
            await self._outcomes.rest(turn.webhook_id, now + self._pauses.bounded(reply.retry_after), silent=False)
        measure("failed" if next_try_at else "exhausted", reply.duration)
        return next_try_at is None

    async def _send(self, head: QueueHead, delivery: Mapping[str, Any]) -> Reply:
        keys = self._secrets.signing(head.secret, head.older_secrets)
        if not keys:
            return Reply(None, SendError.SECRET_UNREADABLE, timedelta(0))
        body = body_of(delivery)
        return await self._sender.send(
            head.url, body, signed_headers(delivery["event_id"], datetime.now(UTC), body, keys)
        )


async def _patiently(enter: Callable[[], Awaitable[None]]) -> None:
    """Enter what has arrived even if PostgreSQL stumbles: it would have to be sent again."""
    for seconds in (0.2, 1.0, 2.0):
        try:
            return await enter()
        except Unavailable:
            await asyncio.sleep(seconds)
    return await enter()


def body_of(delivery: Mapping[str, Any]) -> str:
    """The body of a delivery, the same at every try (api.md "Webhooks and events")."""
    return json.dumps(
        {
            "type": delivery["type"],
            "id": delivery["event_id"],
            "occurred_at": format_instant(delivery["occurred_at"]),
            "ticket_no": delivery["ticket_no"],
            "seq": delivery["seq"],
            # Deliveries that were entered before their data was thin wait among the others.
            "data": thin(delivery["data"]),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
