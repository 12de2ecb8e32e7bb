"""The origin of a step: a command is stored before a workflow gets it, and has its effect once."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from services.contracts.journal import REMARKS, Event, EventType
from services.workflow.tables import commands, journal

_OF_NO_COMMAND = REMARKS | {EventType.RECALCULATED}
"""What names a remark or a publication where others name their command."""


def causes_of(events: Sequence[Event]) -> list[str]:
    """The ids of commands, remarks and publications that the events come from, in order."""
    return sorted({event.command_id for event in events if event.command_id})


def commands_of(events: Sequence[Event]) -> list[str]:
    """The ids of those that are commands, in order."""
    return causes_of([event for event in events if event.type not in _OF_NO_COMMAND])


def unfounded(ticket_no: str, events: Sequence[Event]) -> ColumnElement[bool]:
    """Whether one of the events has a cause that the journal holds already, or a command that nobody has stored.

    A column for a query that reads the ticket's row anyway.
    """
    causes, given = causes_of(events), commands_of(events)
    if not causes:
        return literal(value=False)
    entered = select(journal.c.seq).where(journal.c.ticket_no == ticket_no, _is_one_of(journal.c.command_id, causes))
    stored = select(func.count()).where(commands.c.ticket_no == ticket_no, _is_one_of(commands.c.id, given))
    return entered.exists() | (stored.scalar_subquery() != len(given))


def _is_one_of(column: Any, ids: Iterable[str]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column == any_(bindparam(None, list(ids), ARRAY(Text)))
    return found
