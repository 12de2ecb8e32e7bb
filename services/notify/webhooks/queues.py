"""The rows that wait: deliveries enter lanes, one for each webhook and ticket, and are taken from their heads."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Text, cast, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.wake_channels import STARTER_CHANNEL
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries, lanes, webhooks
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.commit_order import THIS_TRANSACTION


async def enter(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let deliveries wait in their lanes and wake the workflows; one that was entered before changes nothing."""
    if not rows:
        return
    await open_lanes(connection, {(row["webhook_id"], row["lane"]) for row in rows})
    drawn = [{"id": f"d-{secrets.token_hex(8)}", **row} for row in rows]
    await connection.execute(insert(deliveries).on_conflict_do_nothing(), drawn)


async def open_lanes(connection: AsyncConnection, keys: Collection[tuple[str, str]], *, at_once: bool = False) -> None:
    """Make sure that lanes in which something waits are looked at; `at_once` also ends the pause after a failure."""
    await wake_workflows(connection, {webhook_id for webhook_id, _ in keys})
    renewed: dict[str, Any] = {"version": lanes.c.version + 1}
    if at_once:
        renewed |= {"next_try_at": None, "failing_since": None, "failures": 0}
    opened = insert(lanes).on_conflict_do_update(index_elements=[lanes.c.webhook_id, lanes.c.lane], set_=renewed)
    await connection.execute(opened, [{"webhook_id": webhook_id, "lane": lane} for webhook_id, lane in sorted(keys)])


async def wake_workflows(connection: AsyncConnection, webhook_ids: set[str]) -> None:
    """Have the workflows of these webhooks look again once the transaction is committed.

    Everybody locks the webhook first, then its lanes, then their deliveries, so that nobody waits in a circle.
    """
    anew = webhooks.c.id + "." + cast(THIS_TRANSACTION, Text)
    woken = update(webhooks).where(webhooks.c.id.in_(sorted(webhook_ids)))
    await connection.execute(woken.values(wake_key=anew, engine_id=None))
    await wake(connection, STARTER_CHANNEL)


async def try_at_once(connection: AsyncConnection, webhook_id: str) -> None:
    """End the pauses of everything that waits of a webhook."""
    waiting = update(lanes).where(lanes.c.webhook_id == webhook_id)
    await connection.execute(waiting.values(next_try_at=None))


async def cancel_all(connection: AsyncConnection, webhook_id: str) -> int:
    """Take back everything that waits of a webhook; answers how many deliveries."""
    await connection.execute(lanes.delete().where(lanes.c.webhook_id == webhook_id))
    waiting = update(deliveries).where(
        deliveries.c.webhook_id == webhook_id, deliveries.c.state == DeliveryState.PENDING
    )
    return (await connection.execute(waiting.values(state=DeliveryState.CANCELLED))).rowcount
