"""Alerts as endpoints work with them: shown within reach, answered by those who may."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import DirectoryCopy
from services.access.rights import require_right
from services.contracts.directory import StaffMember
from services.contracts.permissions import Action, may
from services.notify import ticket_copies
from services.notify.alerts import actions, queries, store
from services.notify.alerts.consumer import AlertConsumer
from services.notify.alerts.escalation import DueAlert, Escalation
from services.notify.alerts.forecast import foretell
from services.notify.alerts.queries import AlertFilters, Row
from services.notify.alerts.views import AlertView, alert_view, told_view
from services.notify.hours.calendars import CalendarsCopy
from services.notify.ladders.candidates import CandidateSearch
from services.notify.ladders.ladders import read_ladders
from services.notify.ladders.store import LadderBook
from services.notify.resources import Resources
from services.notify.ticket_copies import KnownTicket
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.http.conditions import IfMatch, require_version
from services.runtime.security.auth import Caller

Change = Callable[[AsyncConnection, RowMapping, KnownTicket], Awaitable[RowMapping]]


@dataclass(frozen=True)
class ShownAlert(DueAlert):
    """An alert, and who was told of it."""

    told: Sequence[Row]


class Alerts:
    """One per process."""

    def __init__(self, opened: Resources, calendars: CalendarsCopy) -> None:
        self._settings = opened.settings
        self.database = opened.database
        self.candidates = CandidateSearch(opened, calendars)
        self.people = DirectoryCopy(opened.directory)
        self.ladders = LadderBook(read_ladders(opened.settings.ladders_file))
        self.consumer = AlertConsumer(self.ladders, Escalation(opened, self.candidates))

    async def page(self, caller: Caller, filters: AlertFilters) -> tuple[list[AlertView], str | None, str]:
        """A page of alerts within reach, where the list goes on, and the place from which the stream goes on without
        a gap."""
        async with self.database.read() as connection:
            position = await queries.position(connection)
            rows, following = await queries.page(connection, caller, filters)
            shown = await _with_all(connection, rows)
        return await self._views(caller, shown), following, position

    async def changes(
        self, caller: Caller, place: str, limit: int
    ) -> tuple[Sequence[tuple[str, AlertView]], queries.Changes]:
        """Alerts within reach that changed behind a place, each with the place behind it."""
        async with self.database.read() as connection:
            found = await queries.changes(connection, caller, place, limit)
            shown = await _with_all(connection, found.rows)
        views = await self._views(caller, shown)
        return list(zip(map(queries.place_of, found.rows), views, strict=True)), found

    async def show(self, caller: Caller, alert_id: str) -> AlertView:
        """One alert.

        Raises:
            NotFound: there is none.
            Forbidden: its ticket is out of the caller's reach.
        """
        async with self.database.read() as connection:
            row, _ = await _within_reach(connection, caller, await queries.find(connection, alert_id))
            shown = await _with_all(connection, [row])
        return (await self._views(caller, shown))[0]

    async def require_reach(self, caller: Caller, alert_id: str, action: Action) -> None:
        """Return when the caller may do this to the alert; raise as `show` otherwise."""
        async with self.database.read() as connection:
            await _within_reach(connection, caller, await queries.find(connection, alert_id), action)

    async def handing_over(self, staff: str, at: datetime) -> Change:
        """The change that hands an alert over to a colleague, named by id or user name.

        It raises `ValidationFailed` for somebody unknown and for somebody who may not answer the alert.
        """
        member = (await self.people.roll(must_have=[staff])).member(staff)

        async def change(connection: AsyncConnection, row: RowMapping, ticket: KnownTicket) -> RowMapping:
            to = _require_answering(member, ticket)
            return await actions.hand_over(connection, row, ticket, to, at, self._settings)

        return change

    async def answer(
        self, connection: AsyncConnection, caller: Caller, alert_id: str, change: Change, if_match: IfMatch | None
    ) -> AlertView:
        """Do what a person asks of an alert, in the request's transaction; answers how it is shown then.

        Raises:
            NotFound, Forbidden: as `show`.
            Conflict: `illegal_transition`, it is resolved.
            StaleVersion: it is not the version that the person saw.
        """
        held = await store.locked(connection, alert_id)
        row, ticket = await _within_reach(connection, caller, held, Action.ANSWER_ALERT)
        actions.require_open(row)
        require_version(if_match, row["version"])
        after = await change(connection, row, ticket)
        shown = await _with_all(connection, [after])
        return (await self._views(caller, shown, connection))[0]

    async def _views(
        self, caller: Caller, shown: Sequence[ShownAlert], connection: AsyncConnection | None = None
    ) -> list[AlertView]:
        following = await foretell(self.candidates, shown, connection)
        return [
            alert_view(
                each.row,
                list(map(told_view, each.told)),
                following.get(each.row["id"]),
                each.ticket,
                allowed=actions.legal_answers(each.row) if may(caller, Action.ANSWER_ALERT, each.ticket) else (),
                with_note=may(caller, Action.READ_NOTE, each.ticket),
            )
            for each in shown
        ]


async def _with_all(connection: AsyncConnection, rows: Sequence[Row]) -> list[ShownAlert]:
    if not rows:
        return []
    tickets = await ticket_copies.find(connection, sorted({row["ticket_no"] for row in rows}))
    told = await queries.told_of(connection, [row["id"] for row in rows])
    return [ShownAlert(row, tickets[row["ticket_no"]], told[row["id"]]) for row in rows]


async def _within_reach(
    connection: AsyncConnection, caller: Caller, row: Any, action: Action = Action.READ_ALERT
) -> tuple[Any, KnownTicket]:
    if row is None:
        raise NotFound
    ticket = (await ticket_copies.find(connection, [row["ticket_no"]]))[row["ticket_no"]]
    require_right(caller, action, ticket)
    return row, ticket


def _require_answering(member: StaffMember | None, ticket: KnownTicket) -> str:
    if member is None:
        raise ValidationFailed.at(
            "/staff",
            "unknown_staff",
            {"en": "no active member of staff has this id or user name", "zh": "没有此编号或用户名的在职员工"},
        )
    roles = frozenset(role.value for role in member.roles)
    person = Caller(kind="staff", id=member.id, name=member.name, roles=roles, department=member.department)
    if not may(person, Action.ANSWER_ALERT, ticket) or member.id == ticket.complaint_about:
        raise ValidationFailed.at(
            "/staff",
            "may_not_answer",
            {"en": "they may not answer alerts of this ticket", "zh": "其无权处理该工单的提醒"},
        )
    return member.id
