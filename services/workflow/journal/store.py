"""The writing side of schema `workflow`: journal, ticket and clocks of one batch, in the caller's transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Table, Text, Update, any_, bindparam, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import format_instant
from services.contracts.journal import Event, EventType
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import CloseReason
from services.wording import Wording
from services.workflow.tables import clocks, commands, journal, tickets

WORDING = Wording(Path(__file__).with_name("words.toml"))
GENESIS = b"\x00" * 32

_CLOSES = frozenset({EventType.CLOSED, EventType.MERGED, EventType.WITHDRAWN})


def chain(previous: bytes, ticket_no: str, event: Event) -> bytes:
    """The hash of an event's row, over the one before it (invariant I7)."""
    content = json.dumps(event.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + ticket_no.encode() + content.encode()).digest()


async def write_journal(connection: AsyncConnection, ticket_no: str, events: Sequence[Event], previous: bytes) -> bytes:
    """Append events; answers the hash of the last one."""
    rows = []
    for event in events:
        previous = chain(previous, ticket_no, event)
        rows.append(
            {
                **columns_of(journal, event),
                "ticket_no": ticket_no,
                "actor_kind": event.actor.kind,
                "actor_id": event.actor.id,
                "data": event.model_dump(mode="json")["data"],
                "hash": previous,
            }
        )
    if rows:
        await connection.execute(insert(journal), rows)
    return previous


def columns_of(table: Table, message: BaseModel) -> dict[str, Any]:
    """The columns of a table that a message holds under the same name."""
    return {name: getattr(message, name) for name in _shared(table, type(message))}


@cache
def _shared(table: Table, message: type[BaseModel]) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.name in message.model_fields)


def ticket_columns(state: TicketState) -> dict[str, Any]:
    """Columns of the state that the view shows."""
    due = [clock.due_at for clock in state.clocks if clock.due_at]
    return {
        **columns_of(tickets, state),
        "phase": state.phase,
        "resolution": state.result,
        "next_due_at": min(due, default=None),
        "state": state.model_dump(mode="json"),
    }


def policy_column(policy: PolicySnapshot | None) -> dict[str, Any]:
    """The policy snapshot that a rebuilt workflow starts from."""
    return {"policy": policy.model_dump(mode="json") if policy else None}


async def write_ticket(
    connection: AsyncConnection,
    state: TicketState,
    events: Sequence[Event],
    *,
    language: str,
    journal_hash: bytes,
    policy: PolicySnapshot | None,
    unpromised: bool = False,
) -> None:
    """Bring the ticket's row to the state after `events`, with the texts that its closing and resolution refer to.

    `policy` is given where it changed; `unpromised` tells that it changed to none.
    """
    columns = ticket_columns(state) | {"journal_hash": journal_hash}
    rare = policy_column(policy) if policy is not None or unpromised else {}
    for event in events:
        rare |= _texts_of(event, state, language)
    if rare:
        mine = tickets.c.ticket_no == state.ticket_no
        await connection.execute(update(tickets).where(mine).values(**columns, **rare))
    else:
        values = {f"to_{name}": value for name, value in columns.items()}
        await connection.execute(_usual_update(tuple(columns)), {"number": state.ticket_no, **values})


@cache
def _usual_update(names: tuple[str, ...]) -> Update:
    """Built once: putting the statement together costs as much as running it."""
    mine = tickets.c.ticket_no == bindparam("number")
    return update(tickets).where(mine).values({name: bindparam(f"to_{name}") for name in names})


def _texts_of(event: Event, state: TicketState, language: str) -> dict[str, Any]:
    if event.type is EventType.RESOLVED:
        return {"resolution_reason": _reason_of(event)}
    if event.type is EventType.REOPENED:
        return {"close_note": None, "close_evidence": None, "resolution_reason": None}
    if event.type not in _CLOSES or state.close_reason is None:
        return {}
    if state.close_reason is CloseReason.CONFIRMED:
        return {"close_note": None, "close_evidence": event.command_id}
    # The kept ticket is another workflow's: `joins` tells it, however often it must try.
    pending = {"join_pending": True} if state.close_reason is CloseReason.MERGED else {}
    return {"close_note": _filed(event, state.close_reason, language), **pending}


def _filed(event: Event, reason: CloseReason, language: str) -> Any:
    """The text that is filed, also where nobody wrote one (product.md 3.7: every close but `confirmed` has one)."""
    standard = WORDING.speak(language).of("close_note", reason, "") or None
    if event.command_id is None:
        return standard
    return func.coalesce(_reason_of(event), standard)


def _reason_of(event: Event) -> Any:
    return select(commands.c.body["reason"].astext).where(commands.c.id == event.command_id).scalar_subquery()


async def write_clocks(
    connection: AsyncConnection, ticket_no: str, changed: Sequence[Clock], times: Mapping[str, Mapping[str, int]]
) -> None:
    """Insert or update clocks; `times` holds elapsed and overdue seconds of finished ones, by key."""
    if not changed:
        return
    rows = [_clock_row(ticket_no, clock, times.get(clock.key, {})) for clock in changed]
    await connection.execute(_upsert_clocks(), rows)


async def excuse_finished(connection: AsyncConnection, ticket_no: str, events: Sequence[Event]) -> None:
    """Mark finished clocks whose breach a publication would have avoided; nothing else of them changes (11, 19)."""
    for event in events:
        keys = event.data.get("excused") if event.type is EventType.RECALCULATED else None
        if not isinstance(keys, list) or not keys:
            continue
        key = func.concat_ws("/", clocks.c.name, clocks.c.cycle, clocks.c.round)
        marked = func.jsonb_set(clocks.c.ledger, ["excused_at"], func.to_jsonb(literal(format_instant(event.at), Text)))
        mine = (clocks.c.ticket_no == ticket_no, clocks.c.ended_at.is_not(None), clocks.c.excused_at.is_(None))
        late = update(clocks).where(*mine, key == any_(cast(keys, ARRAY(Text))))
        await connection.execute(late.values(excused_at=event.at, ledger=marked))


@cache
def _upsert_clocks() -> Insert:
    statement = insert(clocks)
    key = [column.name for column in clocks.primary_key]
    changes = {column.name: statement.excluded[column.name] for column in clocks.columns if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=changes)


def _clock_row(ticket_no: str, clock: Clock, times: Mapping[str, int]) -> dict[str, Any]:
    return {
        **columns_of(clocks, clock),
        "ticket_no": ticket_no,
        "elapsed_seconds": times.get("elapsed"),
        "overdue_seconds": times.get("overdue"),
        "ledger": clock.model_dump(mode="json"),
    }
