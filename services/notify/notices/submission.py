"""Takes notices in: once by their key, whoever asks (invariant I5), and takes back those that still wait."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from prometheus_client import Counter
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.notice import NoticeKind, NoticeRequest, NoticeStanding, NoticeState, NotSentReason
from services.notify.notices.statements import STANDINGS, TAKE, TAKE_OR_FIND
from services.notify.notices.tables import notices
from services.notify.wake_channels import FIRST_TRIES_CHANNEL
from services.runtime.errors import NotFound
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database
from services.runtime.postgres.raw_statement import json_text

notices_total = Counter("bihuan_notices_total", "Notices that came to an end, by how.", ["kind", "channel", "state"])
NO_CHANNEL = "none"
WAITING = notices.c.state == NoticeState.WAITING
LEFT_OVER = WAITING & notices.c.held.is_(False) & (notices.c.workflow_from <= func.now())
"""What its first try has left to a workflow."""

_OF_ALERTS = frozenset({NoticeKind.BREACH, NoticeKind.OVERDUE, NoticeKind.WARNING, NoticeKind.LOW_RATING})


class Precedence(IntEnum):
    """Turns of first tries, the first first."""

    ALERT = 0
    URGENT = 1
    ORDINARY = 2


@dataclass(frozen=True)
class NoticeDraft:
    """A request as it enters the table. `held` does not go before `release`, nor anything before `held_until`; what is
    `cancelled` already is listed and never goes."""

    request: NoticeRequest
    held: bool = False
    held_until: datetime | None = None
    cancelled: bool = False


async def submit(
    connection: AsyncConnection, requests: Iterable[NoticeRequest | NoticeDraft], stale_after: timedelta
) -> int:
    """Take requests in, in the transaction of whoever asks; answers how many were new.

    A key that is known already changes nothing. What happened longer than `stale_after` ago is listed and not sent
    (semantics.md 24).
    """
    drafts = [each if isinstance(each, NoticeDraft) else NoticeDraft(each) for each in requests]
    entries = {draft.request.key: draft for draft in drafts}
    if not entries:
        return 0
    # In one order, so that two transactions that tell the same never wait for each other in a circle.
    rows = rows_of([entries[key] for key in sorted(entries)], stale_after)
    new = await TAKE.within(connection, {"notices": json_text(rows)})
    count(new)
    if any(row["state"] == NoticeState.WAITING for row in new):
        await wake(connection, FIRST_TRIES_CHANNEL)
    return len(new)


async def submit_all(
    database: Database, requests: Sequence[NoticeRequest], stale_after: timedelta
) -> Mapping[str, NoticeStanding]:
    """Take requests in as `submit` does, in a transaction of their own; answers where each of them stands, by key.

    Whoever calls wakes the first tries afterwards.
    """
    rows = rows_of([NoticeDraft(each) for each in requests], stale_after)
    rows.sort(key=lambda row: str(row["key"]))
    keys = [row["key"] for row in rows]
    found = await TAKE_OR_FIND.all(database, {"notices": json_text(rows), "keys": keys})
    count(row for row in found if row["is_new"])
    told = {row["key"]: _standing(row) for row in found}
    # Somebody else has taken them in since the statement began.
    return {**told, **await standings(database, [key for key in keys if key not in told])}


async def standings(database: Database, keys: Sequence[str]) -> Mapping[str, NoticeStanding]:
    """The parts of notices that their submitter may know, by key."""
    rows = await STANDINGS.all(database, {"keys": keys}) if keys else ()
    return {row["key"]: _standing(row) for row in rows}


async def standing(database: Database, key: str) -> NoticeStanding:
    """The part of the notice of this key that its submitter may know.

    Raises:
        NotFound: there is none.
    """
    found = await standings(database, [key])
    if key not in found:
        raise NotFound
    return found[key]


async def release_held(connection: AsyncConnection) -> None:
    """Look again, at once, at what waits for the end of quiet hours that have just changed; what a head of a department
    is told in their own hours keeps to those."""
    held = (WAITING, notices.c.held_until.is_not(None), notices.c.kind != NoticeKind.OVERDUE)
    await connection.execute(update(notices).where(*held).values(held_until=None))
    await wake(connection, FIRST_TRIES_CHANNEL)


async def cancel(connection: AsyncConnection, prefix: str) -> int:
    """Take back what waits under keys that begin like this; answers how many. What was sent stays sent."""
    gone = update(notices).where(WAITING, notices.c.key.startswith(prefix, autoescape=True))
    gone = gone.values(state=NoticeState.NOT_SENT, not_sent_reason=NotSentReason.CANCELLED, held=False)
    rows = (await connection.execute(gone.returning(notices.c.kind, notices.c.channel, notices.c.state))).mappings()
    return count(rows.all())


def count(rows: Iterable[Mapping[Any, Any]]) -> int:
    """Count those that will not be sent; answers how many there are."""
    ended = [row for row in rows if row["state"] == NoticeState.NOT_SENT]
    for row in ended:
        notices_total.labels(row["kind"], row.get("channel") or NO_CHANNEL, NoticeState.NOT_SENT).inc()
    return len(ended)


def precedence(request: NoticeRequest) -> Precedence:
    """The turn of a notice among those that nobody has tried: under load a missed promise is told in time (I12)."""
    if request.kind in _OF_ALERTS:
        return Precedence.ALERT
    return Precedence.URGENT if request.urgent else Precedence.ORDINARY


def rows_of(drafts: Iterable[NoticeDraft], stale_after: timedelta) -> list[dict[str, Any]]:
    """Rows of drafts, in their order, as the statements take them."""
    oldest = datetime.now(UTC) - stale_after
    return [_row(draft, draft.request.at < oldest) for draft in drafts]


def _row(draft: NoticeDraft, stale: bool) -> dict[str, Any]:
    request = draft.request
    gone = NotSentReason.STALE if stale else NotSentReason.CANCELLED if draft.cancelled else None
    return {
        "id": f"n-{secrets.token_hex(8)}",
        **dict(request),
        "held": draft.held and gone is None,
        "held_until": None if stale else draft.held_until,
        "precedence": precedence(request),
        "state": NoticeState.NOT_SENT if gone else NoticeState.WAITING,
        "not_sent_reason": gone,
    }


def _standing(row: Mapping[str, Any]) -> NoticeStanding:
    return NoticeStanding.model_validate({name: row[name] for name in NoticeStanding.model_fields})
