"""The reading side: surveys within a caller's reach, narrowed by the filters that lists and reports share."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, Integer, cast, tuple_

from services.access.reach import within_reach
from services.contracts.base import Code, Instant, InstantOrDate, Unreadable
from services.contracts.permissions import Action, Principal
from services.contracts.survey import OVERALL, SurveyState
from services.contracts.vocabulary import Category, Channel, Kind, Urgency
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.postgres.database import Database
from services.survey.states import Row, Standings, with_answer
from services.survey.tables import answers, invitations
from services.survey.views.counted_surveys import CONDITIONS, Counted, dated
from services.survey.wording import WORDING

Moment = InstantOrDate
"""An instant, or a date, which is its beginning in the business time zone."""


class AnswerFilters(BaseModel):
    """Filters of answers; a repeated parameter holds if one of its values does. What is asked for is as it was then."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[Moment | None, Field(alias="from", description="Answered from this date or instant on.")] = None
    to: Annotated[Moment | None, Field(description="Answered before this date or instant.")] = None
    department: list[Code] = Field(default_factory=list)
    owner: list[str] = Field(default_factory=list, description="Owner, not co-owners.")
    category: list[Category] = Field(default_factory=list)
    kind: list[Kind] = Field(default_factory=list)
    urgency: list[Urgency] = Field(default_factory=list)
    channel: list[Channel] = Field(default_factory=list)
    product_model: list[str] = Field(default_factory=list)
    dimension: Annotated[
        Code | None, Field(description="One dimension of the questionnaire, or `overall`, in place of all dimensions.")
    ] = None

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if type(self.from_) is type(self.to) and self.from_ is not None and self.to < self.from_:  # type: ignore[operator]
            raise Unreadable(zh="`to` 早于 `from`", en="`to` lies before `from`")
        return self


class SurveyFilters(AnswerFilters):
    """Filters of a list of surveys."""

    ticket_no: str | None = None
    state: list[SurveyState] = Field(default_factory=list)
    counted: Annotated[
        Counted | None,
        Field(description="What a figure of the report's summary counts; the period is then that of the figure."),
    ] = None
    not_sent_reason: list[Code] = Field(default_factory=list)
    low: Annotated[bool | None, Field(description="Answered with a score of 1 or 2 anywhere.")] = None
    score: Annotated[
        list[Annotated[int, Field(ge=1, le=5)]],
        Field(description="Scores given to `dimension`, or to any dimension without it."),
    ] = []
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


class SurveyQueries:
    """Reads invitations and answers."""

    def __init__(self, database: Database, time_zone: str) -> None:
        self._database = database
        self._standings = Standings(database)
        self.zone = ZoneInfo(time_zone)

    async def find(self, survey_id: str) -> Row:
        """One survey with its answer.

        Raises:
            NotFound: there is none.
        """
        row = await self._standings.of(survey_id)
        if row is None:
            raise NotFound
        return row

    async def find_of(self, ticket_no: str, cycle: int) -> Row | None:
        """The survey of a ticket's cycle, if there is one."""
        return await self._standings.find(invitations.c.ticket_no == ticket_no, invitations.c.cycle == cycle)

    async def find_by_token(self, hashed: bytes | None) -> Row:
        """The survey that a link leads to.

        Raises:
            NotFound: nobody was given this link, or it was revoked.
        """
        row = await self._standings.by_token(hashed) if hashed else None
        if row is None:
            raise NotFound
        return row

    async def page(self, caller: Principal, filters: SurveyFilters) -> tuple[Sequence[Row], str | None]:
        """A page of the surveys that `caller` may read, the newest first."""
        period = within(filters, self.zone, dated(filters.counted))
        query = with_answer().where(
            within_reach(caller, Action.READ_SURVEY, invitations), *attributed(filters), *period
        )
        query = query.where(*_narrowed(filters))
        if after := decode_cursor(filters.cursor or None, datetime, str):
            query = query.where(tuple_(invitations.c.created_at, invitations.c.id) < tuple_(*after))
        query = query.order_by(invitations.c.created_at.desc(), invitations.c.id.desc()).limit(filters.limit + 1)
        async with self._database.read() as connection:
            rows = list((await connection.execute(query)).mappings())
        if len(rows) <= filters.limit:
            return rows, None
        last = rows[filters.limit - 1]
        return rows[: filters.limit], encode_cursor([last["created_at"].isoformat(), last["id"]])


def matching(filters: AnswerFilters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """The filters as conditions, the period being that of the answer."""
    return [*attributed(filters), *within(filters, zone, invitations.c.answered_at)]


def attributed(filters: AnswerFilters) -> list[ColumnElement[bool]]:
    """The filters on what was stored with the invitation."""
    named = ("department", "owner", "category", "kind", "urgency", "channel", "product_model")
    return [invitations.c[name].in_(values) for name in named if (values := getattr(filters, name))]


def rated(filters: AnswerFilters) -> list[ColumnElement[bool]]:
    """Whether the dimension that is asked for was rated at all."""
    if filters.dimension is None:
        return []
    if filters.dimension == OVERALL:
        return [answers.c.overall.is_not(None)]
    return [answers.c.scores.has_key(filters.dimension)]


def within(filters: AnswerFilters, zone: ZoneInfo, column: Any) -> list[ColumnElement[bool]]:
    """The period as conditions on an instant: from its beginning to before its end."""
    conditions = []
    if filters.from_ is not None:
        conditions.append(column >= begin_of(filters.from_, zone, "/from"))
    if filters.to is not None:
        conditions.append(column < begin_of(filters.to, zone, "/to"))
    return conditions


def begin_of(moment: Instant | date, zone: ZoneInfo, pointer: str) -> datetime:
    """A moment as an instant."""
    if isinstance(moment, datetime):
        return moment
    try:
        return datetime.combine(moment, time.min, zone).astimezone(UTC)
    except OverflowError:
        raise ValidationFailed.at(pointer, "invalid_date", WORDING.told("wrong", "invalid_date")) from None


def _narrowed(filters: SurveyFilters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.ticket_no is not None:
        conditions.append(invitations.c.ticket_no == filters.ticket_no)
    if filters.state:
        conditions.append(invitations.c.state.in_(filters.state))
    if filters.counted:
        conditions.append(CONDITIONS[filters.counted])
    if filters.not_sent_reason:
        conditions.append(invitations.c.not_sent_reason.in_(filters.not_sent_reason))
    if filters.low is not None:
        conditions.append(answers.c.low.is_(filters.low))
    return [*conditions, *_scored(filters)]


def _scored(filters: SurveyFilters) -> list[ColumnElement[bool]]:
    if not filters.score:
        return rated(filters)
    if filters.dimension == OVERALL:
        return [answers.c.overall.in_(filters.score)]
    if filters.dimension is not None:
        return [cast(answers.c.scores[filters.dimension].astext, Integer).in_(filters.score)]
    return [answers.c.scores.path_exists("$.* ? (@ == " + " || @ == ".join(map(str, filters.score)) + ")")]
