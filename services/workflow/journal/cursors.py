"""Places in the journal: where a reader of the feed or of a timeline stands, and what it may be shown next."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Label, literal, literal_column, tuple_

from services.runtime.http import decode_cursor, encode_cursor, foreign_cursor
from services.runtime.postgres.commit_order import Xid8
from services.workflow.tables import journal

LARGEST_SEQ = 2**31 - 1
_LARGEST_TX = 2**64 - 1

FEED_ORDER = (journal.c.tx, journal.c.ticket_no, journal.c.seq)
"""The order of the feed: it never changes, because transactions are numbered before they write."""

SETTLED = journal.c.tx < literal_column("pg_snapshot_xmin(pg_current_snapshot())")
"""What no earlier transaction can be sorted in before any more: a reader that is shown only this misses nothing."""

TX_TEXT: Label[str] = literal_column("journal.tx::text").label("tx_text")
"""A transaction's number as the driver can carry it."""


def position(cursor: str) -> tuple[int, str, int]:
    """A place in the feed: transaction, ticket and sequence number of the event before it.

    Raises:
        ValidationFailed: no place in the feed is called so.
    """
    tx, ticket_no, seq = decode_cursor(cursor, int, str, int)
    if not 0 <= tx <= _LARGEST_TX:
        raise foreign_cursor()
    return tx, ticket_no, seq_of(seq)


def behind(cursor: str) -> ColumnElement[bool]:
    """Events behind a place in the feed.

    Raises:
        ValidationFailed: no place in the feed is called so.
    """
    tx, ticket_no, seq = position(cursor)
    return tuple_(*FEED_ORDER) > tuple_(literal(tx, Xid8), ticket_no, seq)


def place_of(row: Mapping[Any, Any]) -> str:
    """The place just behind an event, read with `TX_TEXT`."""
    return encode_cursor([int(row["tx_text"]), row["ticket_no"], row["seq"]])


def seq_of(number: int) -> int:
    """A sequence number that a cursor claims, if it can be one."""
    if not 0 <= number <= LARGEST_SEQ:
        raise foreign_cursor()
    return number
