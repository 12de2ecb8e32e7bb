"""The outcome of a try, entered into the rows: what becomes of the delivery, its lane and its webhook."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks.queries import QueueHead, SharedConnections
from services.notify.webhooks.queues import cancel_all
from services.notify.webhooks.states import DeliveryState, DisabledReason
from services.notify.webhooks.tables import deliveries, lanes, webhooks

ATTEMPTS_KEPT = 100
DELETED_AT_ONCE = 5_000
_Attempt = Mapping[str, Any]


class Outcomes:
    """Writes for the passes of one process."""

    def __init__(self, connections: SharedConnections) -> None:
        self._connections = connections

    async def delivered(self, head: QueueHead, attempt: _Attempt, at: datetime) -> None:
        """Enter a success. The first one after a silence lets everything go that waits for the receiver to return."""
        ended = {"state": DeliveryState.DELIVERED, "delivered_at": at}
        if not head.silent and not head.failures:
            async with self._connections.autocommit() as connection:
                return await _set_delivery(connection, head, attempt, **ended)
        async with self._connections.begin() as connection:
            if head.silent:
                back = update(webhooks).where(webhooks.c.id == head.webhook_id)
                await connection.execute(back.values(silent=False, rests_until=None))
                waiting = update(lanes).where(lanes.c.webhook_id == head.webhook_id)
                await connection.execute(waiting.values(next_try_at=None))
            await _set_lane(connection, head, failures=0, failing_since=None, next_try_at=None)
            return await _set_delivery(connection, head, attempt, **ended)

    async def failed(self, head: QueueHead, attempt: _Attempt, since: datetime, next_try_at: datetime | None) -> None:
        """Enter a failure; without a next try the delivery is exhausted and the next one of the lane has its turn."""
        async with self._connections.begin() as connection:
            if next_try_at is None:
                counted = update(webhooks).where(webhooks.c.id == head.webhook_id)
                await connection.execute(counted.values(given_up=webhooks.c.given_up + 1))
            await _set_lane(connection, head, failures=head.failures + 1, failing_since=since, next_try_at=next_try_at)
            ended = {} if next_try_at else {"state": DeliveryState.EXHAUSTED}
            await _set_delivery(connection, head, attempt, **ended)

    async def gone(self, head: QueueHead, attempt: _Attempt, at: datetime) -> None:
        """Switch the webhook off until somebody switches it on again; what waits falls."""
        off = {"active": False, "disabled_reason": DisabledReason.GONE, "updated_at": at}
        turned = update(webhooks).where(webhooks.c.id == head.webhook_id, webhooks.c.active)
        async with self._connections.begin() as connection:
            if (await connection.execute(turned.values(**off, version=webhooks.c.version + 1))).rowcount == 0:
                return
            fallen = await cancel_all(connection, head.webhook_id)
            await _set_delivery(connection, head, attempt)
            counted = update(webhooks).where(webhooks.c.id == head.webhook_id)
            await connection.execute(counted.values(given_up=webhooks.c.given_up + fallen))

    async def rest(self, webhook_id: str, until: datetime, *, silent: bool) -> None:
        """Send nothing before `until`; `silent` when nobody answers."""
        values: dict[str, Any] = {"rests_until": func.greatest(webhooks.c.rests_until, until)}
        async with self._connections.autocommit() as connection:
            resting = update(webhooks).where(webhooks.c.id == webhook_id)
            await connection.execute(resting.values(values | ({"silent": True} if silent else {})))

    async def close(self, head: QueueHead) -> None:
        """Take away a lane in which nothing waits, unless something has just entered."""
        mine = (lanes.c.webhook_id == head.webhook_id, lanes.c.lane == head.lane, lanes.c.version == head.version)
        async with self._connections.autocommit() as connection:
            await connection.execute(lanes.delete().where(*mine))

    async def remove(self, webhook_id: str) -> None:
        """Take a deleted webhook away with everything of it, in bites that no statement takes too long over."""
        some = select(deliveries.c.id).where(deliveries.c.webhook_id == webhook_id).limit(DELETED_AT_ONCE)
        bite = deliveries.delete().where(deliveries.c.id.in_(some))
        async with self._connections.autocommit() as connection:
            while (await connection.execute(bite)).rowcount:
                continue
            deleted = (webhooks.c.id == webhook_id, webhooks.c.deleted_at.is_not(None))
            await connection.execute(webhooks.delete().where(*deleted))


async def _set_lane(connection: AsyncConnection, head: QueueHead, **values: Any) -> None:
    mine = (lanes.c.webhook_id == head.webhook_id, lanes.c.lane == head.lane)
    await connection.execute(update(lanes).where(*mine).values(**values))


async def _set_delivery(connection: AsyncConnection, head: QueueHead, attempt: _Attempt, **values: Any) -> None:
    if head.delivery:
        mine = deliveries.c.id == head.delivery["id"]
        tried = [*head.delivery["attempts"], dict(attempt)][-ATTEMPTS_KEPT:]
        await connection.execute(update(deliveries).where(mine).values(attempts=tried, **values))
