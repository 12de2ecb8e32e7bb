"""The rating summary, D0's table 2: average, shares of 1-2, 3-4 and 5, quotations; counted by PostgreSQL."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import within_reach
from services.contracts.base import Message
from services.contracts.permissions import Action, Principal
from services.contracts.survey import HIGHEST_LOW, OVERALL, Dimension
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.survey.tables import answers, invitations
from services.survey.views.queries import AnswerFilters, matching, rated

_BEST = 5


class By(StrEnum):
    """The dimension of a report's rows."""

    DIMENSION = "dimension"
    DEPARTMENT = "department"
    CATEGORY = "category"
    PRODUCT_MODEL = "product_model"
    OWNER = "owner"
    CHANNEL = "channel"
    MONTH = "month"


class ReportFilters(AnswerFilters):
    """The answers of a report, and how they are put together."""

    by: By = By.DIMENSION
    quotations: Annotated[int, Field(ge=0, le=20, description="Most quotations of a row, the newest first.")] = 3
    limit: Annotated[int, Field(ge=1, le=200)] = 200
    cursor: Annotated[str | None, Field(max_length=1000)] = None


class ReportRow(Message):
    """One row. Shares lie between 0 and 1; over nothing they are null, like the average."""

    key: str | None = Field(description="`2026-11` for a month; null where a ticket had no such thing.")
    average: float | None
    share_1_2: float | None
    share_3_4: float | None
    share_5: float | None
    count: int = Field(description="Surveys.")
    scores: int = Field(description="Scores: a survey gives one for each dimension.")
    quotations: tuple[str, ...] = Field(description="Suggestions; only those that the caller may read.")


async def rows(
    connection: AsyncConnection, caller: Principal, filters: ReportFilters, zone: ZoneInfo
) -> tuple[list[ReportRow], str | None]:
    """A page of rows in the order of their keys, tickets without such a thing last; costs two queries."""
    found = (await connection.execute(_counted(caller, filters, zone))).mappings().all()
    shown, more = found[: filters.limit], len(found) > filters.limit
    quoted = await _quotations(connection, caller, filters, zone, [row["key"] for row in shown])
    made = [ReportRow(**row, quotations=tuple(quoted.get(row["key"], ()))) for row in shown]
    if filters.by is By.DIMENSION and filters.cursor is None:
        made = _with_every_dimension(made, filters)
    return made, encode_cursor([shown[-1]["key"]]) if more else None


def _counted(caller: Principal, filters: ReportFilters, zone: ZoneInfo) -> Select[Any]:
    tally = _tally(filters)
    key = tally.c.key if filters.by is By.DIMENSION else _key(filters.by, zone)
    given = (
        select(key.label("key"), tally.c.scores, tally.c.total, tally.c.low, tally.c.best)
        .select_from(_JOINED.join(tally, true()))
        .where(tally.c.scores > 0, within_reach(caller, Action.READ_REPORT, invitations), *matching(filters, zone))
        .subquery("given")
    )
    scores = cast(func.sum(given.c.scores), Float)
    low, best = func.sum(given.c.low), func.sum(given.c.best)
    query = (
        select(
            given.c.key,
            (func.sum(given.c.total) / scores).label("average"),
            (low / scores).label("share_1_2"),
            ((scores - low - best) / scores).label("share_3_4"),
            (best / scores).label("share_5"),
            func.count().label("count"),
            func.sum(given.c.scores).label("scores"),
        )
        .group_by(given.c.key)
        .order_by(given.c.key.asc().nulls_last())
        .limit(filters.limit + 1)
    )
    if filters.cursor is not None:
        after = decode_cursor(filters.cursor, str)[0]
        query = query.where(or_(given.c.key > after, given.c.key.is_(None)))
    return query


_JOINED = invitations.join(answers, answers.c.survey_id == invitations.c.id)


def _tally(filters: ReportFilters) -> Any:
    """One survey's share in its row, or in each of its rows: its scores, their total, how many are low or best.

    Counted for each survey before rows are put together: a survey then counts once without being looked for.
    """
    score: Any = answers.c.overall
    if filters.dimension == OVERALL:
        tally = select(
            literal(OVERALL, Text).label("key"),
            cast(score.is_not(None), Integer).label("scores"),
            score.label("total"),
            cast(score <= HIGHEST_LOW, Integer).label("low"),
            cast(score == _BEST, Integer).label("best"),
        )
        return tally.correlate(answers).lateral("tally")
    each = func.jsonb_each_text(answers.c.scores).table_valued("key", "value", name="each_score")
    score = cast(each.c.value, Integer)
    tally = select(
        func.max(each.c.key).label("key"),
        func.count(score).label("scores"),
        func.sum(score).label("total"),
        func.count(score).filter(score <= HIGHEST_LOW).label("low"),
        func.count(score).filter(score == _BEST).label("best"),
    )
    if filters.dimension is not None:
        tally = tally.where(each.c.key == filters.dimension)
    if filters.by is By.DIMENSION:
        tally = tally.group_by(each.c.key)
    return tally.correlate(answers).lateral("tally")


def _key(by: By, zone: ZoneInfo) -> ColumnElement[Any]:
    if by is By.MONTH:
        return func.to_char(func.timezone(zone.key, invitations.c.answered_at), "YYYY-MM")
    return invitations.c[by.value]


async def _quotations(
    connection: AsyncConnection, caller: Principal, filters: ReportFilters, zone: ZoneInfo, keys: Sequence[str | None]
) -> dict[str | None, list[str]]:
    """The newest suggestions of each row, of tickets whose texts the caller may read."""
    if not filters.quotations or not keys:
        return {}
    said = _said(caller, filters, zone).subquery("said")
    place = func.row_number().over(partition_by=said.c.key, order_by=(said.c.answered_at.desc(), said.c.id))
    shown = said.c.key.in_([key for key in keys if key is not None])
    placed = (
        select(said.c.key, said.c.suggestion, place.label("place"))
        .where(or_(shown, said.c.key.is_(None)) if None in keys else shown)
        .subquery("placed")
    )
    query = select(placed.c.key, placed.c.suggestion).where(placed.c.place <= filters.quotations)
    quoted: dict[str | None, list[str]] = {}
    for row in await connection.execute(query.order_by(placed.c.key, placed.c.place)):
        quoted.setdefault(row.key, []).append(row.suggestion)
    return quoted


def _said(caller: Principal, filters: ReportFilters, zone: ZoneInfo) -> Select[Any]:
    """Every suggestion with the key of its row; by dimension once for each dimension that its survey rated."""
    source: Any = _JOINED
    if filters.by is not By.DIMENSION:
        key = _key(filters.by, zone)
    elif filters.dimension is not None:
        key = literal(filters.dimension, Text)
    else:
        each = func.jsonb_object_keys(answers.c.scores).table_valued("key", name="rated").render_derived().lateral()
        source, key = _JOINED.join(each, true()), each.c.key
    return (
        select(key.label("key"), invitations.c.id, invitations.c.answered_at, answers.c.suggestion)
        .select_from(source)
        .where(answers.c.suggestion.is_not(None), *rated(filters), *matching(filters, zone))
        .where(
            within_reach(caller, Action.READ_REPORT, invitations), within_reach(caller, Action.READ_NOTE, invitations)
        )
    )


def _with_every_dimension(made: list[ReportRow], filters: ReportFilters) -> list[ReportRow]:
    """D0's table has its four rows, with or without data, in D0's order; dimensions of other questionnaires follow."""
    known = {row.key or "": row for row in made}
    wanted: list[str] = [filters.dimension] if filters.dimension else [dimension.value for dimension in Dimension]
    first = [known.get(key) or _nothing(key) for key in wanted]
    return [*first, *(row for key, row in known.items() if key not in wanted)]


def _nothing(key: str) -> ReportRow:
    return ReportRow(
        key=key, average=None, share_1_2=None, share_3_4=None, share_5=None, count=0, scores=0, quotations=()
    )
