"""Statements that write a batch of schema `workflow`: ticket, journal and clocks in one round trip.

Their conditions are all that makes a batch right: the row is as its writer knows it, the promises in force are those by
which the batch was computed, nothing that it names was entered before, and every command of it is stored. Where one of
them does not hold, nothing is written and no row comes back.
"""

from functools import cache

from sqlalchemy import Table

from services.runtime.postgres.raw_statement import RawStatement
from services.workflow.tables import clocks, journal, tickets

_BY_DEFAULT = frozenset({"recorded_at", "tx"})
WRITTEN = "(SELECT body ->> 'reason' FROM workflow.commands WHERE id = CAST(:{by} AS text))"
"""The reason that came with a command, whose id is the parameter `by`."""

_MOVE = """
WITH ticket AS (
    UPDATE workflow.tickets AS stood SET ({columns}) = ({ticket}){texts}
    WHERE stood.ticket_no = :ticket_no AND stood.version = :version
        AND (CAST(:previous AS bytea) IS NULL OR stood.journal_hash = :previous)
        AND (CAST(:generation AS bigint) IS NULL
            OR coalesce((SELECT generation FROM workflow.promises_in_force), 0) = :generation)
        AND NOT EXISTS (
            SELECT FROM workflow.journal WHERE ticket_no = :ticket_no AND command_id = ANY(CAST(:causes AS text[])))
        AND cardinality(CAST(:given AS text[])) = (
            SELECT count(*) FROM workflow.commands WHERE ticket_no = :ticket_no AND id = ANY(CAST(:given AS text[])))
    RETURNING stood.ticket_no, stood.journal_hash, stood.language
)"""
_BEGIN = """
WITH late AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM workflow.publications WHERE recalculate AND requested_at >= :received_at)
        AND NOT EXISTS (SELECT FROM workflow.tickets WHERE ticket_no = :ticket_no) AS is_late
), ticket AS (
    INSERT INTO workflow.tickets ({columns}) {ticket}, late WHERE :late OR NOT is_late
    ON CONFLICT DO NOTHING RETURNING ticket_no
)"""
_FROM_JSON = "SELECT {listed} FROM {function}(NULL::{table}, :{parameter}) AS given"
_ENTRIES = """, entered AS (
    INSERT INTO workflow.journal ({of_event}) {events}, ticket
), timed AS (
    INSERT INTO workflow.clocks ({of_clock}) {timings}, ticket
    ON CONFLICT ({key}) DO UPDATE SET ({of_clock}) = ROW({renewed})
)
{answer}"""


@cache
def move(columns: tuple[str, ...], texts: tuple[tuple[str, str], ...]) -> RawStatement:
    """The statement that moves a ticket on: `columns` come from the JSON `ticket`, `texts` are columns with their SQL.

    Answers `journal_hash` and `language` of the row that it wrote, or no row.
    """
    assigned = "".join(f", {name} = {sql}" for name, sql in texts)
    head = _MOVE.format(columns=", ".join(columns), ticket=_from_json(tickets, columns, "ticket"), texts=assigned)
    return RawStatement(head + _entries("SELECT journal_hash, language FROM ticket"))


@cache
def begin(columns: tuple[str, ...]) -> RawStatement:
    """The statement that enters a new ticket; one that came later than a publication (`is_late`) only where told.

    Answers whether it is `new`, and `is_late`, which no ticket is that is there already: a repeat locks no publication.
    """
    head = _BEGIN.format(columns=", ".join(columns), ticket=_from_json(tickets, columns, "ticket"))
    return RawStatement(head + _entries("SELECT EXISTS (SELECT FROM ticket) AS new, is_late FROM late"))


def _entries(answer: str) -> str:
    of_event = tuple(column.name for column in journal.columns if column.name not in _BY_DEFAULT)
    of_clock = tuple(column.name for column in clocks.columns)
    return _ENTRIES.format(
        of_event=", ".join(of_event),
        events=_from_json(journal, of_event, "events", of_many=True),
        of_clock=", ".join(of_clock),
        timings=_from_json(clocks, of_clock, "clocks", of_many=True),
        key=", ".join(column.name for column in clocks.primary_key),
        renewed=", ".join(f"excluded.{name}" for name in of_clock),
        answer=answer,
    )


def _from_json(table: Table, columns: tuple[str, ...], parameter: str, *, of_many: bool = False) -> str:
    function = "jsonb_populate_recordset" if of_many else "jsonb_populate_record"
    listed = ", ".join(f"given.{name}" for name in columns)
    return _FROM_JSON.format(listed=listed, function=function, table=table.fullname, parameter=parameter)
