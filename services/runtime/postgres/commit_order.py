"""Rows in the order of the transactions that wrote them.

Sequences are handed out in one order and committed in another: a reader that goes on from the highest number misses
rows. Transactions are numbered before they write, and below the oldest that runs nothing is sorted in any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Label, Text, cast, literal, literal_column, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import UserDefinedType

LARGEST_TRANSACTION = 2**64 - 1
OLDEST_RUNNING = "pg_snapshot_xmin(pg_current_snapshot())"
"""SQL of the number below which every transaction has ended."""


class Xid8(UserDefinedType[int]):
    """A transaction's number that never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """The type's name in SQL."""
        return "xid8"


_THIS = "pg_current_xact_id()"
THIS_TRANSACTION: ColumnElement[int] = literal_column(_THIS, Xid8)


def transaction_column() -> Column[int]:
    """Declare `tx`: the transaction that wrote the row."""
    return Column("tx", Xid8, nullable=False, server_default=text(_THIS))


async def settled_place(connection: AsyncConnection) -> int:
    """The number of the oldest transaction that runs: whatever is written from now on has this one or a later one."""
    number = await connection.scalar(select(cast(literal_column(OLDEST_RUNNING), Text)))
    return int(str(number))


class CommitOrder:
    """The order of a table's rows by their transactions, and by `then` within one."""

    def __init__(self, tx: ColumnElement[int], *then: Column[Any]) -> None:
        self._then = then
        self.columns: Sequence[ColumnElement[Any]] = (tx, *then)
        self.settled: Label[bool] = (tx < literal_column(OLDEST_RUNNING)).label("settled")
        """Whether nothing can be sorted in before the row any more: a reader that is shown only such misses none."""
        # The driver carries a transaction's number as text.
        self.tx_text: Label[str] = cast(tx, Text).label("tx_text")

    def behind(self, place: Sequence[Any]) -> ColumnElement[bool]:
        """Rows behind a place: the numbers that `place_of` answered for the row before it."""
        tx, *then = place
        return tuple_(*self.columns) > tuple_(literal(tx, Xid8), *then)

    def place_of(self, row: Mapping[Any, Any]) -> list[Any]:
        """The place just behind a row, read with `tx_text`."""
        return [int(row["tx_text"]), *[row[column.name] for column in self._then]]
