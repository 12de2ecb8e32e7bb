"""The reading side of alerts: one, lists, and what changed since a place in the order of changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Select, Text, any_, cast, exists, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import within_reach
from services.contracts.alert import AlertState, Threshold
from services.contracts.base import Code, Message, format_instant
from services.contracts.permissions import Action
from services.contracts.vocabulary import ClockName
from services.notify.alerts.tables import alerts, tellings
from services.notify.notices.tables import notices
from services.notify.tables import tickets
from services.runtime.errors import ValidationFailed
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.postgres.commit_order import LARGEST_TRANSACTION, CommitOrder, settled_place
from services.runtime.security.auth import Caller

Row = Mapping[Any, Any]
_CHANGES = CommitOrder(alerts.c.tx, alerts.c.id)


class AlertFilters(Message):
    """Filters of a list of alerts; a repeated parameter holds if one of its values does."""

    state: list[AlertState] = Field(default_factory=list)
    ticket_no: Annotated[str | None, Field(max_length=100)] = None
    clock: list[ClockName] = Field(default_factory=list)
    threshold: list[Threshold] = Field(default_factory=list)
    department: list[Code] = Field(default_factory=list)
    mine: bool = Field(default=False, description="Only those that you were told of, or that are in your hands.")
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


async def find(connection: AsyncConnection, alert_id: str) -> Row | None:
    """One alert, whoever asks."""
    return (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).mappings().first()


async def page(connection: AsyncConnection, caller: Caller, filters: AlertFilters) -> tuple[Sequence[Row], str | None]:
    """A page of the alerts within a caller's reach, newest first."""
    query = _filtered(_within(caller), caller, filters)
    query = query.order_by(alerts.c.raised_at.desc(), alerts.c.id.desc()).limit(filters.limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    shown = rows[: filters.limit]
    more = len(rows) > filters.limit
    return shown, encode_cursor([format_instant(shown[-1]["raised_at"]), shown[-1]["id"]]) if more else None


async def position(connection: AsyncConnection) -> str:
    """The place in the order of changes before which everything has happened; ask before a list is read."""
    return encode_cursor([await settled_place(connection), ""])


@dataclass(frozen=True)
class Changes:
    """Changes behind a place, where to go on, and whether more is written and not settled yet."""

    rows: Sequence[Row]
    place: str
    more_is_coming: bool


async def changes(connection: AsyncConnection, caller: Caller, place: str, limit: int) -> Changes:
    """Alerts within reach that changed behind a place, in the order of their changes.

    Only what every older transaction has settled is shown, so whoever goes on from the place misses nothing.
    """
    query = (
        _within(caller)
        .add_columns(_CHANGES.tx_text, _CHANGES.settled)
        .where(_CHANGES.behind(read_place(place)))
        .order_by(*_CHANGES.columns)
        .limit(limit)
    )
    rows = (await connection.execute(query)).mappings().all()
    settled = [row for row in rows if row["settled"]]
    return Changes(settled, place_of(settled[-1]) if settled else place, len(settled) < len(rows))


def place_of(row: Row) -> str:
    """The place just behind a row that `changes` answered."""
    return encode_cursor(_CHANGES.place_of(row))


def read_place(place: str) -> tuple[int, str]:
    """Read a place back.

    Raises:
        ValidationFailed: it is none.
    """
    try:
        tx, alert_id = decode_cursor(place, int, str)
    except ValidationFailed as error:
        raise _foreign_place() from error
    if not 0 <= tx <= LARGEST_TRANSACTION:
        raise _foreign_place()
    return tx, alert_id


async def told_of(connection: AsyncConnection, alert_ids: Iterable[str]) -> dict[str, list[Row]]:
    """People told of these alerts, in order, with what became of the notice."""
    told: dict[str, list[Row]] = {alert_id: [] for alert_id in alert_ids}
    query = (
        select(tellings, notices.c.channel, notices.c.state)
        .join(notices, notices.c.key == tellings.c.notice_key)
        .where(tellings.c.alert_id == any_(cast(list(told), ARRAY(Text))))
        .order_by(tellings.c.at, tellings.c.level, tellings.c.staff)
    )
    for row in (await connection.execute(query)).mappings():
        told[row["alert_id"]].append(row)
    return told


def _within(caller: Caller) -> Select[Any]:
    query = select(alerts).join(tickets, tickets.c.ticket_no == alerts.c.ticket_no)
    return query.where(within_reach(caller, Action.READ_ALERT, tickets))


def _filtered(query: Select[Any], caller: Caller, filters: AlertFilters) -> Select[Any]:
    for name in ("state", "clock", "threshold"):
        if values := getattr(filters, name):
            query = query.where(alerts.c[name].in_(values))
    if filters.ticket_no is not None:
        query = query.where(alerts.c.ticket_no == filters.ticket_no)
    if filters.department:
        query = query.where(tickets.c.department.in_(filters.department))
    if filters.mine:
        told = exists().where(tellings.c.alert_id == alerts.c.id, tellings.c.staff == caller.id)
        query = query.where(or_(told, alerts.c.acknowledged_by == caller.id, alerts.c.handed_to == caller.id))
    if filters.cursor is not None:
        raised_at, alert_id = decode_cursor(filters.cursor, datetime, str)
        query = query.where(tuple_(alerts.c.raised_at, alerts.c.id) < tuple_(literal(raised_at), alert_id))
    return query


def _foreign_place() -> ValidationFailed:
    return ValidationFailed.at(
        "/Last-Event-ID",
        "invalid_position",
        {"en": "give the `id` of an event, or a list's `position`", "zh": "请填写事件的 `id` 或列表的 `position`"},
    )
