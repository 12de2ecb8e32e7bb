"""What a step asks before it tells anybody: who is found, and when they are reached."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from services.contracts.alert import Rung
from services.contracts.words import Urgency
from services.notify.alerts.ladders import Step, rungs_of
from services.notify.alerts.recipients import Answers, ask, ask_with_hours, questions
from services.notify.hours import keeping
from services.notify.hours.calendars import CalendarsCopy
from services.notify.hours.reach import EVERYBODY, Reach
from services.notify.known import KnownTicket
from services.notify.resources import Resources


@dataclass(frozen=True)
class Around:
    """The people around a step. `read_from` names what their hours were read from: what waits looks again when that
    changes. `next_shift_at` is when somebody else may be found on duty."""

    answers: Answers
    reach: Reach = EVERYBODY
    read_from: str = ""
    next_shift_at: datetime | None = None


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
        if ticket.urgency is Urgency.URGENT:
            return Around(await ask(self._opened.directory, asked))
        found = await ask_with_hours(self._opened.directory, asked, ticket.owner, at)
        calendars, quiet = await self._calendars.current(), await self._quiet_hours()
        reach = Reach(found.hours, calendars, quiet.hours.staff, promised_by=ticket.calendar)
        return Around(
            found.answers, reach, read_from(found.generation, calendars.generation, quiet.version), found.next_shift_at
        )

    async def knows(self, calendar: str) -> bool:
        """Whether a calendar is published, as far as it was heard of."""
        return (await self._calendars.current()).find(calendar) is not None

    async def read_from_now(self) -> str:
        """What hours are read from now.

        Raises:
            Unavailable: as `around`.
        """
        found = await ask_with_hours(self._opened.directory, (), None, datetime.now(UTC))
        calendars, quiet = await self._calendars.current(), await self._quiet_hours()
        return read_from(found.generation, calendars.generation, quiet.version)

    async def _quiet_hours(self) -> keeping.StoredQuietHours:
        async with self._opened.database.read() as connection:
            return await keeping.in_force(connection)


def read_from(people: int, calendars: int, quiet: int) -> str:
    """Name what hours were read from."""
    return f"{people}/{calendars}/{quiet}"
