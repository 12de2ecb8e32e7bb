"""The writing side of schema `workflow`: the rows of one batch, as its statement takes them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Table, Text, any_, cast, func, literal, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import format_instant
from services.contracts.journal import Event, EventType
from services.contracts.policy import PolicySnapshot
from services.contracts.ticket import Clock, TicketState
from services.contracts.vocabulary import CloseReason
from services.runtime.postgres.raw_statement import RawStatement, json_text
from services.wording import Wording
from services.workflow.journal import statements
from services.workflow.journal.origins import causes_of, commands_of
from services.workflow.tables import clocks, tickets

WORDING = Wording(Path(__file__).with_name("words.toml"))
GENESIS = b"\x00" * 32

_CLOSES = frozenset({EventType.CLOSED, EventType.MERGED, EventType.WITHDRAWN})


@dataclass(frozen=True)
class Stand:
    """A ticket's row as the writer of a batch knows it. None is what the writer holds by a lock, or leaves as it is."""

    version: int
    journal_hash: bytes | None
    language: str
    generation: int | None = None


@dataclass(frozen=True)
class Entry:
    """A batch that is ready to be written: its statement, which answers a row where it was, and the stand after it."""

    statement: RawStatement
    values: Mapping[str, Any]
    stand: Stand


def chain(previous: bytes, ticket_no: str, event: Event) -> bytes:
    """The hash of an event's row, over the one before it (invariant I7)."""
    return _link(previous, ticket_no, event.model_dump(mode="json"))


def entry(
    state: TicketState,
    events: Sequence[Event],
    stand: Stand,
    *,
    timed: Sequence[tuple[Clock, Mapping[str, int]]] = (),
    policy: PolicySnapshot | None = None,
    unpromised: bool = False,
) -> Entry:
    """Make a batch ready that leads from `stand` to `state`, with the texts that its closing and resolution refer to.

    `timed` are the clocks that changed, with elapsed and overdue seconds of finished ones. `policy` is given where it
    changed; `unpromised` tells that it changed to none. Without events the hash of the stand may be unknown.
    """
    columns, rows, last_hash = ticket_columns(state), list[dict[str, Any]](), stand.journal_hash
    if events:
        rows, last_hash = event_rows(state.ticket_no, events, stand.journal_hash or GENESIS)
        columns |= {"journal_hash": _hex(last_hash)}
    if policy is not None or unpromised:
        columns |= policy_column(policy)
    texts, named = _texts(events, state, stand.language)
    values = {
        "ticket_no": state.ticket_no,
        "version": stand.version,
        "previous": stand.journal_hash,
        "generation": stand.generation,
        "causes": causes_of(events),
        "given": commands_of(events),
        "ticket": json_text(columns),
        "events": json_text(rows),
        "clocks": json_text([_clock_row(state.ticket_no, clock, times) for clock, times in timed]),
        **named,
    }
    after = replace(stand, version=state.version, journal_hash=last_hash)
    return Entry(statements.move(tuple(columns), tuple(texts.items())), values, after)


def beginning(state: TicketState, events: Sequence[Event], columns: Mapping[str, Any], *, late: bool) -> Entry:
    """Make a new ticket ready: `columns` are those of its row that no step changes."""
    rows, last_hash = event_rows(state.ticket_no, events, GENESIS)
    ticket = {**columns, **ticket_columns(state), "journal_hash": _hex(last_hash)}
    values = {
        "ticket_no": state.ticket_no,
        "received_at": state.received_at,
        "late": late,
        "ticket": json_text(ticket),
        "events": json_text(rows),
        "clocks": json_text([_clock_row(state.ticket_no, clock, {}) for clock in state.clocks]),
    }
    return Entry(statements.begin(tuple(ticket)), values, Stand(state.version, last_hash, columns["language"]))


def event_rows(ticket_no: str, events: Sequence[Event], previous: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Rows of the journal for events behind the one whose hash is `previous`, and the hash of the last."""
    rows = []
    for event in events:
        content = event.model_dump(mode="json")
        previous = _link(previous, ticket_no, content)
        actor = content.pop("actor")
        of_actor = {"actor_kind": actor["kind"], "actor_id": actor["id"]}
        rows.append(content | of_actor | {"ticket_no": ticket_no, "hash": _hex(previous)})
    return rows, previous


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
        "state": state,
    }


def policy_column(policy: PolicySnapshot | None) -> dict[str, Any]:
    """The policy snapshot that a rebuilt workflow starts from."""
    return {"policy": policy}


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


def _link(previous: bytes, ticket_no: str, event: Mapping[str, Any]) -> bytes:
    content = json.dumps(event, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(previous + ticket_no.encode() + content.encode()).digest()


def _hex(value: bytes) -> str:
    """Write bytes as PostgreSQL reads them from JSON."""
    return f"\\x{value.hex()}"


def _texts(events: Sequence[Event], state: TicketState, language: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Columns with the SQL of their texts, and what that SQL names."""
    texts: dict[str, str] = {}
    named: dict[str, Any] = {}
    for event in events:
        if event.type is EventType.RESOLVED:
            texts["resolution_reason"] = statements.WRITTEN.format(by="resolved_by")
            named["resolved_by"] = event.command_id
        elif event.type is EventType.REOPENED:
            texts |= dict.fromkeys(("close_note", "close_evidence", "resolution_reason"), "NULL")
        elif event.type in _CLOSES and state.close_reason is not None:
            texts |= _texts_of_closing(state.close_reason)
            named |= {"closed_by": event.command_id, "note": _standard_note(state.close_reason, language)}
    return texts, named


def _standard_note(reason: CloseReason, language: str) -> str | None:
    """The text that is filed where nobody wrote one (product.md 3.7: every close but `confirmed` has one)."""
    return WORDING.speak(language).of("close_note", reason, "") or None


def _texts_of_closing(reason: CloseReason) -> dict[str, str]:
    if reason is CloseReason.CONFIRMED:
        return {"close_note": "NULL", "close_evidence": ":closed_by"}
    note = f"coalesce({statements.WRITTEN.format(by='closed_by')}, :note)"
    # The kept ticket of a merged one is another workflow's: `joins` tells it, however often it must try.
    return {"close_note": note} | ({"join_pending": "true"} if reason is CloseReason.MERGED else {})


def _clock_row(ticket_no: str, clock: Clock, times: Mapping[str, int]) -> dict[str, Any]:
    return {
        **columns_of(clocks, clock),
        "ticket_no": ticket_no,
        "elapsed_seconds": times.get("elapsed"),
        "overdue_seconds": times.get("overdue"),
        "ledger": clock,
    }
