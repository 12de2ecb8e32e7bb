"""Queries for what goes next: lanes that are due, and the first waiting delivery of one."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Row, Select, bindparam, case, func, null, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries, lanes, webhooks
from services.runtime.postgres.database import Database

CONNECTIONS = 4


@dataclass(frozen=True)
class QueueHead:
    """The first waiting delivery of a lane, as far as there is one, with what is needed to send it."""

    webhook_id: str
    lane: str
    version: int
    failures: int
    failing_since: datetime | None
    url: str
    secret: str
    older_secrets: Sequence[Mapping[str, str]]
    silent: bool
    delivery: Mapping[str, Any] | None


class SharedConnections:
    """The connections that passes share: they wait in line here, and neither take the pool from what people are told
    nor fail for want of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free = asyncio.Semaphore(CONNECTIONS)

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection, as `Database.read`."""
        return self._lent(self._database.read())

    def autocommit(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection, as `Database.autocommit`."""
        return self._lent(self._database.autocommit())

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open a transaction, as `Database.begin`."""
        return self._lent(self._database.begin())

    @asynccontextmanager
    async def _lent(self, opening: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
        async with self._free, opening as connection:
            yield connection


class QueueHeads:
    """Reads for the passes of one process."""

    def __init__(self, connections: SharedConnections) -> None:
        self._connections = connections

    async def standing(self, webhook_id: str) -> Row[Any] | None:
        """Standing of a webhook between two passes, its `lanes` counted; `next_try_at` is None where one is due now.
        None when there is no webhook."""
        async with self._connections.read() as connection:
            standing: Row[Any] | None = (await connection.execute(_STANDING, {"webhook": webhook_id})).one_or_none()
        return standing

    async def due(self, webhook_id: str, now: datetime, besides: Collection[str], limit: int) -> Sequence[str]:
        """Lanes that may be tried, the longest waiting first; none of a webhook that rests or is switched off."""
        query = _DUE.where(lanes.c.lane.not_in(list(besides))) if besides else _DUE
        async with self._connections.read() as connection:
            found = await connection.scalars(query.limit(limit), {"webhook": webhook_id, "now": now})
            return found.all()

    async def head(self, webhook_id: str, lane: str) -> QueueHead | None:
        """The head of a lane, in one look; None when the lane is gone or its webhook is switched off."""
        async with self._connections.read() as connection:
            found = await connection.execute(_HEAD, {"webhook": webhook_id, "lane": lane})
            row = found.mappings().one_or_none()
        if row is None:
            return None
        delivery = {name: row[name] for name in _OF_DELIVERY} if row["id"] else None
        return QueueHead(webhook_id=webhook_id, lane=lane, delivery=delivery, **{name: row[name] for name in _OF_LANE})


_MINE = lanes.c.webhook_id == bindparam("webhook")
_LIVE = (webhooks.c.active, webhooks.c.deleted_at.is_(None))
_NOW = bindparam("now", type_=DateTime(timezone=True))
_OF_LANE = ("version", "failures", "failing_since", "url", "secret", "older_secrets", "silent")
_OF_DELIVERY = ("id", "event_id", "type", "ticket_no", "seq", "occurred_at", "data", "attempts")


def _standing() -> Select[Any]:
    one_is_due = func.bool_or(lanes.c.next_try_at.is_(None))
    soonest = select(case((one_is_due, null()), else_=func.min(lanes.c.next_try_at))).where(_MINE)
    return select(
        webhooks.c.active,
        webhooks.c.deleted_at,
        webhooks.c.rests_until,
        select(func.count()).where(_MINE).scalar_subquery().label("lanes"),
        soonest.scalar_subquery().label("next_try_at"),
    ).where(webhooks.c.id == bindparam("webhook"))


def _due() -> Select[Any]:
    query = select(lanes.c.lane).join(webhooks, webhooks.c.id == lanes.c.webhook_id)
    query = query.where(_MINE, *_LIVE, or_(lanes.c.next_try_at.is_(None), lanes.c.next_try_at <= _NOW))
    query = query.where(or_(webhooks.c.rests_until.is_(None), webhooks.c.rests_until <= _NOW))
    return query.order_by(lanes.c.next_try_at.nulls_first(), lanes.c.lane)


def _head() -> Select[Any]:
    waiting = (
        deliveries.c.webhook_id == lanes.c.webhook_id,
        deliveries.c.lane == lanes.c.lane,
        deliveries.c.state == DeliveryState.PENDING,
    )
    own = [deliveries.c[name] for name in _OF_DELIVERY]
    first = select(*own).where(*waiting).order_by(deliveries.c.seq).limit(1).lateral("first")
    lane = (lanes.c.version, lanes.c.failures, lanes.c.failing_since)
    hook = (webhooks.c.url, webhooks.c.secret, webhooks.c.older_secrets, webhooks.c.silent)
    query = select(*lane, *hook, *first.c).join(webhooks, webhooks.c.id == lanes.c.webhook_id)
    return query.outerjoin(first, true()).where(_MINE, lanes.c.lane == bindparam("lane"), *_LIVE)


# Built once: they are asked for every delivery.
_STANDING, _DUE, _HEAD = _standing(), _due(), _head()
