"""Everything that the ticket page shows, gathered for one reader in one round of questions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.console.public_api.client import ApiProblem, Param, path
from services.console.public_api.closed_hours import Openings
from services.console.public_api.directory_names import KnownDirectory
from services.console.public_api.titles import Titles
from services.console.rendering.present import Countdown, Present
from services.console.service import Page
from services.console.tickets import journal
from services.console.tickets.clock_chart import ClockCourse, course
from services.contracts.base import format_instant
from services.contracts.permissions import Action

_FOLLOWS_WITHIN = timedelta(seconds=10)
_SENT_WITHIN = timedelta(minutes=1)
_MOVING, _STILL = "moving", "still"

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Beside:
    """The ticket in other services; None where they tell this reader nothing."""

    notices: Sequence[Item] | None
    surveys: Sequence[Item] | None


@dataclass(frozen=True)
class MeasuredTimes:
    """Time that the ticket was with whom (semantics.md 16), and each clock over all cycles (20)."""

    departments: Sequence[Item] = ()
    totals: Sequence[Item] = ()


@dataclass(frozen=True)
class Overview:
    """A ticket and what belongs to it."""

    ticket: Item
    feedback: Item | None
    entries: Sequence[journal.JournalEntry]
    live: Sequence[ClockCourse]
    past: Sequence[ClockCourse]
    measured: MeasuredTimes
    next_clock: Countdown
    others: Sequence[Item]
    timeline: Sequence[Item]
    beside: Beside
    directory: KnownDirectory
    titles: Titles
    present: Present

    @property
    def unexplained(self) -> list[str]:
        """The clocks that were missed and whose reason nobody has noted yet."""
        return list(dict.fromkeys(each.clock["name"] for each in (*self.live, *self.past) if each.wants_reason))

    def is_work_of(self, staff: str) -> bool:
        """Whether somebody is one of its owners."""
        return staff in {self.ticket["owner"], *self.ticket["co_owners"]}

    @property
    def seen(self) -> str:
        """The state that a live part tells the server it shows already."""
        return f"{self.ticket['version']}.{_MOVING if self.is_moving else _STILL}"

    @property
    def is_moving(self) -> bool:
        """Whether more is about to come of what just happened: a notice that is not written, or not sent, yet."""
        waiting = [notice["created_at"] for notice in self.beside.notices or () if notice["state"] == "waiting"]
        happened = [event["at"] for event in self.timeline[-1:]]
        return any(self._is_younger(at, _SENT_WITHIN) for at in waiting) or any(
            self._is_younger(at, _FOLLOWS_WITHIN) for at in happened
        )

    def _is_younger(self, at: str, age: timedelta) -> bool:
        return self.present.now - datetime.fromisoformat(at) < age


async def overview(page: Page, number: str) -> Overview:
    """Read a ticket in full: the customer's contact, where the reader is entitled to it, is logged by the API."""
    desk = page.desk
    address = path("v1", "tickets", number)
    shown = await desk.get(f"{address}/overview")
    feedback, told, directory, calendars, timeline, clocks = await asyncio.gather(
        _if_allowed(page, Action.READ_FEEDBACK, path("v1", "feedback", number)),
        beside(page, number),
        page.console.names.directory(desk),
        page.console.calendars.standing(desk, page.now),
        desk.rest(f"{address}/timeline", shown["timeline"]),
        desk.rest(f"{address}/clocks", shown["clocks"]),
    )
    ticket = shown["ticket"]
    present = page.present(calendars.open_now)
    courses = [course(clock, present, timeline, await _openings(page, clock)) for clock in clocks]
    live = sorted((each for each in courses if each.is_live), key=lambda each: each.clock["due_at"] or "~")
    return Overview(
        ticket=ticket,
        feedback=feedback,
        entries=journal.entries(timeline, page.words, present, directory),
        live=live,
        past=[each for each in reversed(courses) if not each.is_live],
        measured=MeasuredTimes(shown["clocks"]["departments"], shown["clocks"]["totals"]),
        next_clock=present.next_clock(ticket["clocks"], calendars.of_policy(ticket["policy"])),
        others=shown["others"],
        timeline=timeline,
        beside=told,
        directory=directory,
        titles=calendars.titles(page.words.language),
        present=present,
    )


async def beside(page: Page, number: str) -> Beside:
    """Notices and surveys of a ticket, where this installation has them and this reader may read them."""
    notices, surveys = await asyncio.gather(
        _list_if_allowed(page, Action.READ_NOTICE, "/v1/notices", number),
        _list_if_allowed(page, Action.READ_SURVEY, "/v1/surveys", number),
    )
    return Beside(notices, surveys)


async def has_changed(page: Page, number: str, seen: str) -> bool:
    """Whether a page that shows `seen` is out of date. Nothing is read that holds a contact, notices included: a page
    that waits logs no reading. What notices and surveys do shows with the journal, or soon after it."""
    version, _, state = seen.partition(".")
    return state == _MOVING or await page.desk.has_changed(path("v1", "tickets", number), version)


async def _openings(page: Page, clock: Item) -> Openings | None:
    """Opening times of the clock's calendar over its course; None where that cannot be told."""
    ends = max(filter(None, (clock["due_at"], clock["ended_at"], format_instant(page.now))))
    begins = datetime.fromisoformat(clock["started_at"])
    try:
        return await page.console.openings.of(page.desk, clock["calendar"], begins, datetime.fromisoformat(ends))
    except ApiProblem:
        # The course is drawn all the same, without its nights.
        return None


async def _list_if_allowed(page: Page, action: Action, address: str, number: str) -> Sequence[Item] | None:
    found = await _if_allowed(page, action, address, ticket_no=number, limit=100)
    return None if found is None else list(found["items"])


async def _if_allowed(page: Page, action: Action, address: str, **params: Param) -> Item | None:
    return await page.desk.find(address, **params) if action in page.reader.allowed else None
