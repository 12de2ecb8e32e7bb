"""Places in the journal: where a reader of the feed or of a timeline stands, and what it may be shown next."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement

from services.runtime.http.paging import decode_cursor, encode_cursor, foreign_cursor
from services.runtime.postgres.commit_order import LARGEST_TRANSACTION, CommitOrder
from services.workflow.tables import journal

LARGEST_SEQ = 2**31 - 1

FEED_ORDER = CommitOrder(journal.c.tx, journal.c.ticket_no, journal.c.seq)


def position(cursor: str) -> tuple[int, str, int]:
    """A place in the feed: transaction, ticket and sequence number of the event before it.

    Raises:
        ValidationFailed: no place in the feed is called so.
    """
    tx, ticket_no, seq = decode_cursor(cursor, int, str, int)
    if not 0 <= tx <= LARGEST_TRANSACTION:
        raise foreign_cursor()
    return tx, ticket_no, seq_of(seq)


def behind(cursor: str) -> ColumnElement[bool]:
    """Events behind a place in the feed.

    Raises:
        ValidationFailed: no place in the feed is called so.
    """
    return FEED_ORDER.behind(position(cursor))


def place_of(row: Mapping[Any, Any]) -> str:
    """The place just behind an event, read with its transaction's number as text."""
    return encode_cursor(FEED_ORDER.place_of(row))


def seq_of(number: int) -> int:
    """A sequence number that a cursor claims, if it can be one."""
    if not 0 <= number <= LARGEST_SEQ:
        raise foreign_cursor()
    return number
