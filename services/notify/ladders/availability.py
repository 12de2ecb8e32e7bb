"""What a step asks before it tells anybody: who is found, and when they are reached."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from services.contracts.alert import Rung
from services.contracts.directory import RecipientsQuestion, WorkingHours
from services.contracts.vocabulary import Urgency
from services.notify.hours import store
from services.notify.hours.availability import EVERYBODY, Reach
from services.notify.hours.calendars import CalendarsCopy, PublishedCalendars
from services.notify.hours.quiet_hours import QuietSpan
from services.notify.ladders.ladders import Step, rungs_of
from services.notify.ladders.recipients import MOST_QUESTIONS, Answers, ask, questions
from services.notify.resources import Resources
from services.notify.ticket_copies import KnownTicket, with_those_present


@dataclass(frozen=True)
class Around:
    """The people around a step; the owner of `ticket` counts as nobody once they have left.

    `read_from` names what hours were read from: what waits looks again when that changes. `next_shift_at` is when
    somebody else may be found on duty.
    """

    ticket: KnownTicket
    answers: Answers
    reach: Reach = EVERYBODY
    read_from: str = ""
    next_shift_at: datetime | None = None


@dataclass(frozen=True)
class Ahead:
    """The people of several alerts to come."""

    answers: Answers
    present: frozenset[str]
    """Of the owners asked about, those who are still there."""
    hours: Mapping[str, WorkingHours]
    calendars: PublishedCalendars
    quiet: QuietSpan | None

    def reach(self, promised_by: str | None, at: datetime) -> Reach:
        """When they are reached from an instant on, for a ticket promised by this calendar."""
        return Reach(
            (_then(each, at) for each in self.hours.values()), self.calendars, self.quiet, promised_by=promised_by
        )


class Reaching:
    """Asks the directory, and knows the calendars and the quiet hours."""

    def __init__(self, opened: Resources, calendars: CalendarsCopy) -> None:
        self._opened = opened
        self._calendars = calendars

    async def around(self, ticket: KnownTicket, steps: Iterable[Step], at: datetime) -> Around:
        """Who is found at these steps at an instant, administrators included. Of an urgent ticket they all are reached.

        Raises:
            Unavailable: the directory or PostgreSQL does not answer.
        """
        # The head of the department is told of every breach.
        rungs = {rung for step in steps for rung in rungs_of(step)} | {Rung.ADMIN, Rung.DEPARTMENT_HEAD}
        asked = questions(ticket, rungs, at)
        owners = {ticket.owner} if ticket.owner else set()
        hours_at = None if ticket.urgency is Urgency.URGENT else at
        found = await ask(self._opened.directory, asked, owners, hours_at)
        ticket = with_those_present(ticket, found.present)
        if hours_at is None:
            return Around(ticket, found.answers)
        calendars, quiet = await self._calendars.current(), await self._quiet_hours()
        reach = Reach(found.hours, calendars, quiet.hours.staff, promised_by=ticket.calendar)
        return Around(
            ticket,
            found.answers,
            reach,
            read_from(found.generation, calendars.generation, quiet.version),
            found.next_shift_at,
        )

    async def ahead(self, asked: Iterable[RecipientsQuestion], owners: Iterable[str]) -> Ahead:
        """Who is found at instants that are still to come, and their hours as they are known now.

        Raises:
            Unavailable: as `around`.
        """
        now, ordered = datetime.now(UTC), sorted(set(asked), key=str)
        answers: dict[RecipientsQuestion, tuple[str, ...]] = {}
        present: frozenset[str] = frozenset()
        hours: dict[str, WorkingHours] = {}
        shifts: dict[str, set[tuple[datetime, datetime]]] = defaultdict(set)
        for begin in range(0, len(ordered), MOST_QUESTIONS):
            batch = ordered[begin : begin + MOST_QUESTIONS]
            found = await ask(self._opened.directory, batch, set(owners), now)
            answers |= found.answers
            present |= found.present
            for each in found.hours:
                shifts[each.staff] |= set(each.shifts)
                hours[each.staff] = each.model_copy(update={"shifts": tuple(shifts[each.staff])})
        calendars, quiet = await self._calendars.current(), await self._quiet_hours()
        return Ahead(answers, present, hours, calendars, quiet.hours.staff)

    async def knows(self, calendar: str) -> bool:
        """Whether a calendar is published, as far as it was heard of."""
        return (await self._calendars.current()).find(calendar) is not None

    async def read_from_now(self) -> str:
        """What hours are read from now.

        Raises:
            Unavailable: as `around`.
        """
        found = await ask(self._opened.directory, (), (), datetime.now(UTC))
        calendars, quiet = await self._calendars.current(), await self._quiet_hours()
        return read_from(found.generation, calendars.generation, quiet.version)

    async def _quiet_hours(self) -> store.StoredQuietHours:
        async with self._opened.database.read() as connection:
            return await store.in_force(connection)


def _then(person: WorkingHours, at: datetime) -> WorkingHours:
    on_shift = any(begins <= at < ends for begins, ends in person.shifts)
    return person if on_shift == person.on_shift else person.model_copy(update={"on_shift": on_shift})


def read_from(people: int, calendars: int, quiet: int) -> str:
    """Name what hours were read from."""
    return f"{people}/{calendars}/{quiet}"
