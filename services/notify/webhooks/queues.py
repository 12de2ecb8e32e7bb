"""The rows that wait: deliveries enter lanes, one for each webhook and ticket, and are taken from their heads."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Text, cast, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.wake_channels import STARTER_CHANNEL
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.tables import deliveries, lanes, webhooks
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.commit_order import THIS_TRANSACTION
from services.runtime.postgres.raw_statement import RawStatement, json_text

_ENTERED = ("id", "webhook_id", "lane", "event_id", "type", "ticket_no", "seq", "occurred_at", "data")
# In the order of the rows: it numbers them, and the log lists them by it.
_ENTER = RawStatement(
    """
INSERT INTO notify.webhook_deliveries ({columns})
SELECT {columns} FROM jsonb_populate_recordset(NULL::notify.webhook_deliveries, :deliveries)
ON CONFLICT DO NOTHING
""".format(columns=", ".join(_ENTERED))
)
_OPENING = """
INSERT INTO notify.webhook_lanes AS known (webhook_id, lane)
SELECT webhook_id, lane FROM jsonb_populate_recordset(NULL::notify.webhook_lanes, :lanes)
ON CONFLICT (webhook_id, lane) DO UPDATE SET version = known.version + 1"""
_OPEN = RawStatement(_OPENING)
_OPEN_AT_ONCE = RawStatement(_OPENING + ", next_try_at = NULL, failing_since = NULL, failures = 0")


async def enter(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let deliveries wait in their lanes and wake the workflows; one that was entered before changes nothing."""
    if not rows:
        return
    await open_lanes(connection, {(row["webhook_id"], row["lane"]) for row in rows})
    drawn = [{"id": f"d-{secrets.token_hex(8)}", **row} for row in rows]
    await _ENTER.within(connection, {"deliveries": json_text(drawn)})


async def open_lanes(connection: AsyncConnection, keys: Collection[tuple[str, str]], *, at_once: bool = False) -> None:
    """Make sure that lanes in which something waits are looked at; `at_once` also ends the pause after a failure."""
    await wake_workflows(connection, {webhook_id for webhook_id, _ in keys})
    opened = [{"webhook_id": webhook_id, "lane": lane} for webhook_id, lane in sorted(keys)]
    await (_OPEN_AT_ONCE if at_once else _OPEN).within(connection, {"lanes": json_text(opened)})


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
