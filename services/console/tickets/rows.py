"""A list of tickets as rows: what one line of the board shows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.public_api.client import path
from services.console.public_api.directory_names import KnownDirectory
from services.console.public_api.opening_hours import Calendars
from services.console.rendering.present import Countdown, Moment, Present
from services.console.service import Page

Ticket = Mapping[str, Any]
TICKET_NO = re.compile(r"[0-9]{11,20}", re.ASCII)


@dataclass(frozen=True)
class BoardRow:
    """One ticket of a list. `hints` are short remarks besides the phase."""

    address: str
    ticket: Ticket
    clock: Countdown
    opened: Moment | None
    owner: str
    department: str
    unanswered: Moment | None
    hints: Sequence[str]
    is_mine: bool


async def rows_of(page: Page, tickets: Sequence[Ticket]) -> list[BoardRow]:
    """The rows of a page of tickets; names and opening hours come from short-lived copies."""
    directory = await page.console.names.directory(page.desk)
    calendars = await page.console.calendars.standing(page.desk, page.now)
    present = page.present(calendars.open_now)
    return [_row(page, ticket, present, directory, calendars) for ticket in tickets]


def _row(page: Page, ticket: Ticket, present: Present, directory: KnownDirectory, calendars: Calendars) -> BoardRow:
    mine = page.reader.id
    return BoardRow(
        address=path("tickets", ticket["ticket_no"]),
        ticket=ticket,
        clock=present.next_clock(ticket["clocks"], calendars.of_policy(ticket["policy"])),
        opened=present.moment(ticket["opened_at"]),
        owner=directory.person(ticket["owner"]),
        department=directory.department(ticket["department"]),
        unanswered=present.moment(ticket["unanswered_since"]),
        hints=_hints(page, ticket),
        is_mine=mine == ticket["owner"] or mine in ticket["co_owners"],
    )


def _hints(page: Page, ticket: Ticket) -> list[str]:
    words = page.words
    hints = [words.of("wait_reason", reason) for reason in ticket["waiting_for"]]
    if not ticket["complete"]:
        hints.append(words.text("board.incomplete"))
    if ticket["plan"] == "proposed":
        hints.append(words.text("board.plan_awaits"))
    if ticket["cycle"] > 1:
        hints.append(words.text("board.cycle", cycle=ticket["cycle"]))
    if ticket["callback_attempts"] and ticket["status"] == "resolved":
        hints.append(words.text("board.attempts", count=ticket["callback_attempts"]))
    return hints
