"""Sums of a satisfaction report beside its rows: satisfaction, NPS, response rate, solved the first time."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import ColumnElement, Float, Integer, Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import within_reach
from services.contracts.base import Message
from services.contracts.permissions import Action, Principal
from services.contracts.survey import HIGHEST_LOW, LOWEST_GOOD
from services.survey.states import Row
from services.survey.tables import answers, invitations
from services.survey.views.counted_surveys import CONDITIONS, Counted, dated
from services.survey.views.queries import AnswerFilters, attributed, within

_BEST, _PROMOTER, _HIGHEST_DETRACTOR = 5, 9, 6


class Summary(Message):
    """Figures of a period. Shares lie between 0 and 1; what has nothing to count is null (semantics.md 27)."""

    answered: int = Field(description="Surveys answered in the period.")
    overall_average: float | None
    overall_share_1_2: float | None
    overall_share_3_4: float | None
    overall_share_5: float | None
    overall_count: int = Field(description="Answers to the question of overall satisfaction.")
    satisfaction: float | None = Field(description="Share of 4 and 5 (satisfied, very satisfied) in `overall_count`.")
    nps: float | None = Field(
        description="Net promoter score, -100 to 100: percent of 9 and 10 less percent of 0 to 6, in `nps_count`."
    )
    nps_count: int
    delivered: int = Field(description="Invitations that reached their customers in the period.")
    delivered_and_answered: int
    response_rate: float | None = Field(description="`delivered_and_answered` in `delivered`.")
    closed: int = Field(
        description="Tickets closed in the period and not reopened since; merged and withdrawn ones are left out."
    )
    closed_first_time: int = Field(description="Of these, confirmed by the customer in the first cycle.")
    solved_first_time: float | None = Field(description="`closed_first_time` in `closed`: what the tickets say.")
    solved_first_time_stated: float | None = Field(
        description="Share of yes among customers who were asked the same: what they say."
    )
    stated_count: int
    low: int = Field(description="Answers with a score of 1 or 2 anywhere.")
    not_sent: Mapping[str, int] = Field(description="Closings whose customers were not asked, by reason.")


async def summary(connection: AsyncConnection, caller: Principal, filters: AnswerFilters, zone: ZoneInfo) -> Summary:
    """The summary of what `caller` may have reported; costs four queries."""
    reach = (within_reach(caller, Action.READ_REPORT, invitations), *attributed(filters))
    given = await _one(connection, _given(reach, within(filters, zone, dated(None))))
    delivered = await _one(connection, _delivered(reach, within(filters, zone, dated(Counted.DELIVERED))))
    closings = within(filters, zone, dated(Counted.CLOSED))
    closed = await _one(connection, _closed(reach, closings))
    unsent = (await connection.execute(_unsent(reach, closings))).all()
    return Summary(**given, **delivered, **closed, not_sent={row.not_sent_reason: row.count for row in unsent})


Conditions = tuple[ColumnElement[bool], ...]


def _given(reach: Conditions, period: list[ColumnElement[bool]]) -> Select[Any]:
    overall, recommend = answers.c.overall, answers.c.recommend
    net = func.count().filter(recommend >= _PROMOTER) - func.count().filter(recommend <= _HIGHEST_DETRACTOR)
    return (
        select(
            func.count().label("answered"),
            cast(func.avg(overall), Float).label("overall_average"),
            _share(overall <= HIGHEST_LOW, overall).label("overall_share_1_2"),
            _share(overall.between(HIGHEST_LOW + 1, _BEST - 1), overall).label("overall_share_3_4"),
            _share(overall == _BEST, overall).label("overall_share_5"),
            func.count(overall).label("overall_count"),
            _share(overall >= LOWEST_GOOD, overall).label("satisfaction"),
            (100.0 * net / func.nullif(cast(func.count(recommend), Float), 0)).label("nps"),
            func.count(recommend).label("nps_count"),
            cast(func.avg(cast(answers.c.solved_first_time, Integer)), Float).label("solved_first_time_stated"),
            func.count(answers.c.solved_first_time).label("stated_count"),
            func.count().filter(answers.c.low).label("low"),
        )
        .select_from(invitations.join(answers, answers.c.survey_id == invitations.c.id))
        .where(*reach, *period)
    )


def _delivered(reach: Conditions, period: list[ColumnElement[bool]]) -> Select[Any]:
    answered = CONDITIONS[Counted.DELIVERED_AND_ANSWERED]
    return select(
        func.count().label("delivered"),
        func.count().filter(answered).label("delivered_and_answered"),
        _share(answered, invitations.c.sent_at).label("response_rate"),
    ).where(CONDITIONS[Counted.DELIVERED], *reach, *period)


def _closed(reach: Conditions, period: list[ColumnElement[bool]]) -> Select[Any]:
    first = CONDITIONS[Counted.CLOSED_FIRST_TIME]
    return select(
        func.count().label("closed"),
        func.count().filter(first).label("closed_first_time"),
        _share(first, invitations.c.id).label("solved_first_time"),
    ).where(CONDITIONS[Counted.CLOSED], *reach, *period)


def _unsent(reach: Conditions, period: list[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(invitations.c.not_sent_reason, func.count().label("count"))
        .where(CONDITIONS[Counted.NOT_SENT], *reach, *period)
        .group_by(invitations.c.not_sent_reason)
    )


def _share(which: ColumnElement[bool], among: Any) -> ColumnElement[Any]:
    return func.count().filter(which) / func.nullif(cast(func.count(among), Float), 0)


async def _one(connection: AsyncConnection, query: Select[Any]) -> Row:
    row: Row = (await connection.execute(query)).mappings().one()
    return row
