"""The log of deliveries, and sending again what is in it."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.webhooks import queues
from services.notify.webhooks.schemas import (
    TEST_TYPE,
    DeliveryFilters,
    DeliveryView,
    Redelivered,
    Redelivery,
    delivery_view,
)
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries
from services.notify.webhooks.tables import lanes as lane_rows
from services.runtime.errors import Conflict, NotFound, ValidationFailed
from services.runtime.http.paging import decode_cursor, encode_cursor

AT_ONCE = 5_000
"""Deliveries that one call sends again; the rest takes another call."""
_DID_NOT_ARRIVE = (DeliveryState.EXHAUSTED, DeliveryState.CANCELLED)


async def page(
    connection: AsyncConnection, webhook_id: str, filters: DeliveryFilters
) -> tuple[list[DeliveryView], str | None]:
    """Deliveries of a webhook, the newest first, and where to go on."""
    query = _shown().where(deliveries.c.webhook_id == webhook_id)
    if filters.state:
        query = query.where(deliveries.c.state.in_(filters.state))
    if filters.ticket_no is not None:
        query = query.where(deliveries.c.ticket_no == filters.ticket_no)
    if filters.cursor is not None:
        query = query.where(deliveries.c.position < decode_cursor(filters.cursor, int)[0])
    query = query.order_by(deliveries.c.position.desc()).limit(filters.limit + 1)
    rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
    more = len(rows) > filters.limit
    views = [delivery_view(row, row["lane_tried_at"]) for row in rows[: filters.limit]]
    return views, encode_cursor([rows[filters.limit - 1]["position"]]) if more else None


async def redeliver(connection: AsyncConnection, webhook: RowMapping, wish: Redelivery) -> Redelivered:
    """Let deliveries go once more, with their ids, at once and in the order of their tickets.

    Raises:
        ValidationFailed: not exactly one of the two ways to choose.
        Conflict: `webhook_inactive`.
        NotFound: the webhook has no such delivery.
    """
    if (wish.delivery_id is None) == (wish.since is None):
        raise ValidationFailed.at(
            "",
            "one_of",
            {"en": "give either `delivery_id` or `since`", "zh": "请填写 `delivery_id` 或 `since` 其中之一"},
        )
    require_active(webhook)
    chosen = select(deliveries.c.id, deliveries.c.lane).where(deliveries.c.webhook_id == webhook["id"])
    if wish.delivery_id is not None:
        chosen = chosen.where(deliveries.c.id == wish.delivery_id)
    else:
        chosen = chosen.where(deliveries.c.created_at >= wish.since, deliveries.c.state.in_(_DID_NOT_ARRIVE))
    rows = (await connection.execute(chosen.order_by(deliveries.c.position).limit(AT_ONCE + 1))).all()
    if wish.delivery_id is not None and not rows:
        raise NotFound
    again = rows[:AT_ONCE]
    if again:
        await queues.open_lanes(connection, {(webhook["id"], row.lane) for row in again}, at_once=True)
        waiting = update(deliveries).where(deliveries.c.id.in_([row.id for row in again]))
        await connection.execute(waiting.values(state=DeliveryState.PENDING, delivered_at=None))
    return Redelivered(count=len(again), more=len(rows) > AT_ONCE)


async def send_test(connection: AsyncConnection, webhook: RowMapping) -> DeliveryView:
    """Let an event of type `webhook.test` go, which belongs to no ticket and waits for none.

    Raises:
        Conflict: `webhook_inactive`.
    """
    require_active(webhook)
    test_id = f"test-{secrets.token_hex(8)}"
    row = {
        "webhook_id": webhook["id"],
        "lane": test_id,
        "event_id": test_id,
        "type": TEST_TYPE,
        "ticket_no": None,
        "seq": None,
        "occurred_at": datetime.now(UTC),
        "data": {},
    }
    await queues.enter(connection, [row])
    entered = _shown().where(deliveries.c.webhook_id == webhook["id"], deliveries.c.event_id == test_id)
    stored = (await connection.execute(entered)).mappings().one()
    return delivery_view(stored, None)


def require_active(webhook: RowMapping) -> None:
    """Refuse to send through a webhook that is switched off."""
    if not webhook["active"]:
        raise Conflict(
            {
                "en": "The webhook is switched off; switch it on first: PATCH with `active: true`.",
                "zh": "该 Webhook 已停用，请先启用：PATCH `active: true`。",
            },
            code="webhook_inactive",
        )


def _shown() -> Select[Any]:
    same = (lane_rows.c.webhook_id == deliveries.c.webhook_id) & (lane_rows.c.lane == deliveries.c.lane)
    return select(deliveries, lane_rows.c.next_try_at.label("lane_tried_at")).outerjoin(lane_rows, same)
