"""Rows in the order of the transactions that wrote them.

Sequences are handed out in one order and committed in another: who goes on from the highest number misses rows.
"""

from typing import Any

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.types import UserDefinedType

LARGEST_TRANSACTION = 2**64 - 1


class Xid8(UserDefinedType[int]):
    """A transaction's number that never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in SQL."""
        return "xid8"


def is_settled(tx: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether every transaction up to the row's has ended: what lies below never changes any more."""
    return tx < literal_column("pg_snapshot_xmin(pg_current_snapshot())")
