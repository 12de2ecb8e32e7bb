"""Kinds of rows that have a workflow as long as they live, and the statements by which a starter sees to it.

The conditions are those of the tables, written out once: a starter looks whenever it is woken, so it asks by the driver
itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, Table, Text, func, select, text
from sqlalchemy.sql import ClauseElement

from services.runtime.postgres.raw_statement import RawStatement, written_out
from services.runtime.temporal.inventory import Workflows

KEY, REVISION = "startable_key", "startable_revision"
StartableRow = SimpleNamespace
"""A row's `columns`, by their names."""

_MARK = """
WITH started AS (
    UPDATE {table} AS living SET engine_id = :identity
    FROM unnest(CAST(:started AS text[]), CAST(:revisions AS bigint[])) AS told (key, revision)
    WHERE living.{key} = told.key AND {unchanged}
    RETURNING living.{key}
), failed AS (
    UPDATE {table} SET engine_attempts = engine_attempts + 1 WHERE {key} = ANY(CAST(:failed AS text[]))
)
SELECT count(*) AS marked FROM started"""


@dataclass(frozen=True)
class Startable:
    """A kind of row that has a workflow as long as it is `living`.

    `table` has the columns of `engine_columns`; `key` is its primary key, of text; `columns` are what `start` reads.
    `start` starts the workflow or attaches to the one that runs. Whatever it raises concerns its row alone, which
    comes last the next time. Where `start` tells a running workflow what the row says (a signal), `revision` counts
    the row's changes, each of which sets `engine_id` to null: what changed while it was being told is told again.
    `order` says which come first where there are many; else their keys do. `workflows` says how the engine knows them.
    """

    table: Table
    living: ColumnElement[bool]
    key: Column[str]
    columns: tuple[Column[Any], ...]
    start: Callable[[StartableRow], Awaitable[None]]
    revision: Column[int] | None = None
    order: Column[Any] | None = None
    workflows: Workflows | None = None

    @property
    def missing(self) -> ColumnElement[bool]:
        """Rows that live and have no workflow."""
        return self.living & self.table.c.engine_id.is_(None)


class StartableStatements:
    """Statements of one kind; `most` rows are looked for at once."""

    def __init__(self, kind: Startable, most: int) -> None:
        self.missing = RawStatement(written_out(_missing(kind, most)))
        """The rows to start, in turn: `columns`, and `startable_key`, `startable_revision`."""
        counted = select(func.count().label("number")).select_from(kind.table).where(kind.missing)
        self.count = RawStatement(written_out(counted))
        """The `number` of rows to start."""
        self.mark = RawStatement(_mark(kind))
        """Enters that the rows `started`, unless they have changed since, are in the engine `identity`, and that the
        rows `failed` were tried; answers how many are `marked`."""


def _missing(kind: Startable, most: int) -> ClauseElement:
    revision = kind.key if kind.revision is None else kind.revision
    query = select(kind.key.label(KEY), revision.label(REVISION), *kind.columns).where(kind.missing)
    first = kind.key if kind.order is None else kind.order
    return query.order_by(kind.table.c.engine_attempts, first, kind.key).limit(most)


def _mark(kind: Startable) -> str:
    unchanged = "true" if kind.revision is None else f"living.{kind.revision.name} = told.revision"
    return _MARK.format(table=kind.table.fullname, key=kind.key.name, unchanged=unchanged)


def engine_columns() -> tuple[Column[str], Column[int]]:
    """The columns of a table whose rows have workflows."""
    return (
        Column("engine_id", Text),
        Column("engine_attempts", Integer, nullable=False, server_default=text("0")),
    )
