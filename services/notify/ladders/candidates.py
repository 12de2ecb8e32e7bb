"""The people around the steps of alerts: who is found, as the directory knows it, and when each of them is reached."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.alert import Rung
from services.contracts.directory import Recipients, RecipientsAsked, RecipientsQuestion, WorkingHours
from services.contracts.vocabulary import Urgency
from services.notify.hours import store
from services.notify.hours.availability import EVERYBODY, Availability
from services.notify.hours.calendars import CalendarsCopy, PublishedCalendars
from services.notify.hours.quiet_hours import QuietSpan
from services.notify.ladders.ladders import Ladder, LadderPlace, rungs_of
from services.notify.ladders.recipients import Answers
from services.notify.resources import Resources
from services.notify.ticket_copies import KnownTicket

_MOST_QUESTIONS = 1_000


@dataclass(frozen=True)
class SoughtStep:
    """A step that is to be told at an instant: one of the rest of a round."""

    ticket: KnownTicket
    ladder: Ladder
    place: LadderPlace
    at: datetime

    @property
    def questions(self) -> set[RecipientsQuestion]:
        """Questions to the directory: administrators stand in, heads are told of every breach; the owner is known."""
        steps = map(self.ladder.step, self.ladder.rest_of_round(self.place))
        rungs = {rung for step in steps for rung in rungs_of(step)} | {Rung.ADMIN, Rung.DEPARTMENT_HEAD}
        department, at = self.ticket.department, self.at
        return {RecipientsQuestion(rung=rung, department=department, at=at) for rung in rungs - {Rung.OWNER}}


@dataclass(frozen=True)
class Candidates:
    """People found at the steps of several alerts.

    `read_from` names what hours were read from: what waits looks again when that changes. `next_shift_at` is when
    somebody else may be found on duty.
    """

    answers: Answers
    present: Collection[str]
    """Of the owners asked about, those who are still there."""
    hours: Mapping[str, WorkingHours]
    calendars: PublishedCalendars
    quiet: QuietSpan | None
    read_from: str
    next_shift_at: datetime | None

    def seen(self, ticket: KnownTicket) -> KnownTicket:
        """A ticket as its ladder sees it: an owner who has left counts as nobody."""
        return ticket if ticket.owner is None or ticket.owner in self.present else replace(ticket, owner=None)

    def availability(self, ticket: KnownTicket, at: datetime) -> Availability:
        """Hours in which they are reached from an instant on; of an urgent ticket everybody always is."""
        if ticket.urgency is Urgency.URGENT:
            return EVERYBODY
        hours = (_at(each, at) for each in self.hours.values())
        return Availability(hours, self.calendars, self.quiet, promised_by=ticket.calendar)


class CandidateSearch:
    """Asks the directory, and knows the calendars and the quiet hours."""

    def __init__(self, opened: Resources, calendars: CalendarsCopy) -> None:
        self._database = opened.database
        self._directory = opened.directory
        self._calendars = calendars

    async def find(self, sought: Collection[SoughtStep], connection: AsyncConnection | None = None) -> Candidates:
        """People found at these steps, and when they are reached; one question for a thousand rungs. Whoever has a
        `connection` in hand gives it, and none is taken besides.

        Raises:
            Unavailable: the directory or PostgreSQL does not answer.
        """
        asked = sorted(set().union(*(each.questions for each in sought)), key=str)
        owners = {each.ticket.owner for each in sought if each.ticket.owner}
        hours_at = min(each.at for each in sought)
        answers: dict[RecipientsQuestion, tuple[str, ...]] = {}
        hours: dict[str, WorkingHours] = {}
        shifts: dict[str, set[tuple[datetime, datetime]]] = defaultdict(set)
        for begin in range(0, len(asked), _MOST_QUESTIONS):
            some = asked[begin : begin + _MOST_QUESTIONS]
            found = await self._ask(hours_at, some, owners)
            answers |= zip(some, found.items, strict=True)
            for each in found.hours:
                shifts[each.staff] |= set(each.shifts)
                hours[each.staff] = each.model_copy(update={"shifts": tuple(shifts[each.staff])})
        calendars, quiet = await self._calendars.current(), await self._quiet_hours(connection)
        read_from = _named(found.generation, calendars, quiet)
        return Candidates(
            answers, found.present, hours, calendars, quiet.staff, read_from, found.next_shift_at
        )  # fmt: skip

    async def knows(self, calendar: str) -> bool:
        """Whether a calendar is published, as far as it was heard of."""
        return (await self._calendars.current()).find(calendar) is not None

    async def read_from_now(self) -> str:
        """Name what hours are read from now.

        Raises:
            Unavailable: as `find`.
        """
        found = await self._ask(datetime.now(UTC))
        return _named(found.generation, await self._calendars.current(), await self._quiet_hours())

    async def _ask(
        self, hours_at: datetime, items: Sequence[RecipientsQuestion] = (), owners: Collection[str] = ()
    ) -> Recipients:
        asked = RecipientsAsked(items=tuple(items), hours_at=hours_at, also=tuple(sorted(owners)))
        return Recipients.model_validate(
            await self._directory.post("/internal/recipients", asked.model_dump(mode="json"))
        )

    async def _quiet_hours(self, connection: AsyncConnection | None = None) -> store.QuietHoursView:
        if connection is not None:
            return await store.in_force(connection)
        async with self._database.read() as own:
            return await store.in_force(own)


def _at(person: WorkingHours, at: datetime) -> WorkingHours:
    on_shift = any(begins <= at < ends for begins, ends in person.shifts)
    return person if on_shift == person.on_shift else person.model_copy(update={"on_shift": on_shift})


def _named(people: int, calendars: PublishedCalendars, quiet: store.QuietHoursView) -> str:
    return f"{people}/{calendars.generation}/{quiet.version}"
