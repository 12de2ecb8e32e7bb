"""Takes notices in: once by their key, whoever asks (invariant I5), and takes back those that still wait."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

from prometheus_client import Counter
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.notice import NoticeKind, NoticeRequest, NoticeStanding, NoticeState, NotSentReason
from services.notify.notices.tables import notices
from services.notify.wake_channels import FIRST_TRIES_CHANNEL
from services.runtime.errors import NotFound
from services.runtime.postgres.commit_notifier import wake

notices_total = Counter("bihuan_notices_total", "Notices that came to an end, by how.", ["kind", "channel", "state"])
NO_CHANNEL = "none"
WAITING = notices.c.state == NoticeState.WAITING
FREE = WAITING & notices.c.held.is_(False)
"""What may go."""
_IN_ITS_TIME = notices.c.held_until.is_(None) | (notices.c.held_until <= func.now())
UNTRIED = FREE & notices.c.workflow_from.is_(None) & _IN_ITS_TIME
LEFT_OVER = FREE & (notices.c.workflow_from <= func.now())
"""What its first try has left to a workflow."""
# Built once, the rows apart from it: a statement that holds its rows is written and compiled anew for every notice.
_TAKE = (
    insert(notices)
    .values(created_at=func.clock_timestamp())
    .on_conflict_do_nothing(index_elements=[notices.c.key])
    .returning(notices.c.kind, notices.c.state)
)


_OF_ALERTS = frozenset({NoticeKind.BREACH, NoticeKind.OVERDUE, NoticeKind.WARNING, NoticeKind.LOW_RATING})


class Precedence(IntEnum):
    """Turns of first tries, the first first."""

    ALERT = 0
    URGENT = 1
    ORDINARY = 2


@dataclass(frozen=True)
class NoticeDraft:
    """A request as it enters the table. `held` does not go before `release`, nor anything before `held_until`."""

    request: NoticeRequest
    held: bool = False
    held_until: datetime | None = None


async def submit(
    connection: AsyncConnection, requests: Iterable[NoticeRequest | NoticeDraft], stale_after: timedelta
) -> int:
    """Take requests in, in the transaction of whoever asks; answers how many were new.

    A key that is known already changes nothing. What happened longer than `stale_after` ago is listed and not sent
    (semantics.md 24).
    """
    drafts = [each if isinstance(each, NoticeDraft) else NoticeDraft(each) for each in requests]
    oldest = datetime.now(UTC) - stale_after
    entries = {draft.request.key: _row(draft, oldest) for draft in drafts}
    if not entries:
        return 0
    # In one order, so that two transactions that tell the same never wait for each other in a circle.
    rows = [entries[key] for key in sorted(entries)]
    new = (await connection.execute(_TAKE, rows)).all()
    for row in new:
        if row.state == NoticeState.NOT_SENT:
            notices_total.labels(row.kind, NO_CHANNEL, row.state).inc()
    if any(row.state == NoticeState.WAITING for row in new):
        await wake(connection, FIRST_TRIES_CHANNEL)
    return len(new)


async def release_held(connection: AsyncConnection) -> None:
    """Look again, at once, at what waits for the end of quiet hours that have just changed; what a head of a department
    is told in their own hours keeps to those."""
    held = (WAITING, notices.c.held_until.is_not(None), notices.c.kind != NoticeKind.OVERDUE)
    await connection.execute(update(notices).where(*held).values(held_until=None))
    await wake(connection, FIRST_TRIES_CHANNEL)


async def standing(connection: AsyncConnection, key: str) -> NoticeStanding:
    """The part of the notice of this key that its submitter may know.

    Raises:
        NotFound: there is none.
    """
    row = (await connection.execute(select(notices).where(notices.c.key == key))).one_or_none()
    if row is None:
        raise NotFound
    return NoticeStanding.model_validate(row, from_attributes=True)


async def cancel(connection: AsyncConnection, prefix: str) -> int:
    """Take back what waits under keys that begin like this; answers how many. What was sent stays sent."""
    return await _cancel(connection, notices.c.key.startswith(prefix, autoescape=True))


async def cancel_of_ticket(
    connection: AsyncConnection, ticket_no: str, kinds: Iterable[NoticeKind], until: datetime | None = None
) -> int:
    """Take back what waits of a ticket's notices of these kinds, where given only what is of `until` or before
    (semantics.md 21)."""
    which = (notices.c.ticket_no == ticket_no, notices.c.kind.in_(sorted(kinds)))
    return await _cancel(connection, *which, *_of(until))


async def release(connection: AsyncConnection, ticket_no: str, kind: NoticeKind, until: datetime | None = None) -> int:
    """Let held notices of a ticket go, where given only those of `until` or before; answers how many there were."""
    held = (WAITING, notices.c.held, notices.c.ticket_no == ticket_no, notices.c.kind == kind, *_of(until))
    freed = await connection.execute(update(notices).where(*held).values(held=False))
    if freed.rowcount:
        await wake(connection, FIRST_TRIES_CHANNEL)
    return freed.rowcount


def _of(until: datetime | None) -> Sequence[ColumnElement[bool]]:
    return () if until is None else (notices.c.at <= until,)


async def _cancel(connection: AsyncConnection, *which: ColumnElement[bool]) -> int:
    gone = update(notices).where(WAITING, *which)
    gone = gone.values(state=NoticeState.NOT_SENT, not_sent_reason=NotSentReason.CANCELLED, held=False)
    rows: Sequence[Any] = (await connection.execute(gone.returning(notices.c.kind, notices.c.channel))).all()
    for row in rows:
        notices_total.labels(row.kind, row.channel or NO_CHANNEL, NoticeState.NOT_SENT).inc()
    return len(rows)


def precedence(request: NoticeRequest) -> Precedence:
    """The turn of a notice among those that nobody has tried: under load a missed promise is told in time (I12)."""
    if request.kind in _OF_ALERTS:
        return Precedence.ALERT
    return Precedence.URGENT if request.urgent else Precedence.ORDINARY


def _row(draft: NoticeDraft, oldest: datetime) -> dict[str, Any]:
    request = draft.request
    stale = request.at < oldest
    return {
        "id": f"n-{secrets.token_hex(8)}",
        **request.model_dump(exclude={"facts"}),
        "facts": request.model_dump(mode="json")["facts"],
        "held": draft.held and not stale,
        "held_until": None if stale else draft.held_until,
        "precedence": precedence(request),
        "state": NoticeState.NOT_SENT if stale else NoticeState.WAITING,
        "not_sent_reason": NotSentReason.STALE if stale else None,
    }
