"""Notices as the API reads and resends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import RowMapping, Select, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.reach import within_reach
from services.contracts.address import AddressAsk, AddressQuestion, ContactReader, CustomerAddress
from services.contracts.base import Code, Message
from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeState
from services.contracts.permissions import Action, may, reach, sees_contact
from services.notify import ticket_copies
from services.notify.notices.channels.choice import channels_of
from services.notify.notices.letter import Placeholders, house_of
from services.notify.notices.samples import carries_texts
from services.notify.notices.submission import NO_CHANNEL, notices_total
from services.notify.notices.tables import notices
from services.notify.notices.views import NoticeView, notice_view
from services.notify.notices.vocabulary import WORDING, Language
from services.notify.resources import Resources
from services.notify.tables import tickets
from services.notify.ticket_copies import KnownTicket
from services.notify.wake_channels import FIRST_TRIES_CHANNEL
from services.runtime.errors import Conflict, Forbidden, NotFound
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.postgres.commit_notifier import CommitNotifier, wake
from services.runtime.security.auth import Caller
from services.runtime.telemetry import request_id

_GATHERED_SECONDS = 0.03
_RESENDABLE = {NoticeState.SENT, NoticeState.FAILED, NoticeState.NOT_SENT}


class NoticeFilters(Message):
    """Filters of a list of notices; a repeated parameter holds if one of its values does."""

    ticket_no: Code | None = None
    state: list[NoticeState] = Field(default_factory=list)
    channel: list[NoticeChannel] = Field(default_factory=list)
    audience: list[Audience] = Field(default_factory=list)
    kind: list[NoticeKind] = Field(default_factory=list)
    mine: bool = Field(default=False, description="Only those addressed to you.")
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=1000)] = None


@dataclass(frozen=True)
class ShownNotice:
    """A row, and its ticket where notify knows it."""

    row: RowMapping
    ticket: KnownTicket | None


class Notices:
    """Reads and resends notices within a caller's reach (invariants I14 to I16)."""

    def __init__(self, opened: Resources) -> None:
        self._database = opened.database
        self._intake = opened.intake
        self.channels = channels_of(opened.settings)
        self.zone = ZoneInfo(opened.settings.time_zone)
        self.stale_after = opened.settings.notice_stale_after
        self.house = house_of(opened.settings)
        self.first_tries = CommitNotifier(opened.database, FIRST_TRIES_CHANNEL, gathered_seconds=_GATHERED_SECONDS)
        """Woken after a commit that leaves something nobody has tried."""

    async def page(self, caller: Caller, filters: NoticeFilters) -> tuple[list[NoticeView], str | None]:
        """Newest first; texts for those entitled, and each customer shown is logged once."""
        query = _filtered(_within(caller), caller, filters)
        query = query.order_by(notices.c.position.desc()).limit(filters.limit + 1)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
            shown = await _with_tickets(connection, rows[: filters.limit])
        more = len(rows) > filters.limit
        return await self._views(caller, shown), encode_cursor([shown[-1].row["position"]]) if more else None

    async def show(self, caller: Caller, notice_id: str) -> NoticeView:
        """One notice.

        Raises:
            NotFound: there is none.
            Forbidden: it concerns a ticket that the caller does not reach.
        """
        async with self._database.read() as connection:
            found = await self._found(connection, caller, notice_id, Action.READ_NOTICE)
        return (await self._views(caller, [found]))[0]

    async def require(self, caller: Caller, notice_id: str, action: Action) -> None:
        """Let those through who may do this with the notice.

        Raises:
            NotFound, Forbidden: as `show`.
        """
        async with self._database.read() as connection:
            await self._found(connection, caller, notice_id, action)

    async def resend(self, connection: AsyncConnection, caller: Caller, notice_id: str) -> NoticeView:
        """Have a notice sent anew, with the same key and the same words; without the words, to say nothing twice.

        Raises:
            Forbidden: it may not be resent by the caller.
            Conflict: `notice_waiting`, it has not come to an end yet.
        """
        await connection.execute(select(notices.c.id).where(notices.c.id == notice_id).with_for_update())
        found = await self._found(connection, caller, notice_id, Action.RESEND_NOTICE)
        if found.row["state"] not in _RESENDABLE:
            raise Conflict(code="notice_waiting")
        again = {
            "state": NoticeState.WAITING,
            "not_sent_reason": None,
            "round": notices.c.round + 1,
            "sent_at": None,
            "workflow_from": None,
            "held_until": None,
            "engine_id": None,
            "engine_attempts": 0,
            # What could not be written, or reached nobody, is written anew: the text or the address was mended.
            **({} if found.row["sent_at"] else {"subject": None, "text": None, "template": None}),
        }
        statement = update(notices).where(notices.c.id == notice_id).values(**again).returning(notices)
        row = (await connection.execute(statement)).mappings().one()
        notices_total.labels(row["kind"], row["channel"] or NO_CHANNEL, "resent").inc()
        await wake(connection, FIRST_TRIES_CHANNEL)
        return notice_view(row, None)

    async def _found(self, connection: AsyncConnection, caller: Caller, notice_id: str, action: Action) -> ShownNotice:
        row = (await connection.execute(select(notices).where(notices.c.id == notice_id))).mappings().one_or_none()
        if row is None:
            raise NotFound
        shown = (await _with_tickets(connection, [row]))[0]
        is_own = action is Action.READ_NOTICE and _is_for(caller, row)
        if not is_own and not _may(caller, action, shown):
            raise Forbidden
        return shown

    async def _views(self, caller: Caller, shown: Sequence[ShownNotice]) -> list[NoticeView]:
        entitled = [each for each in shown if _sees_text(caller, each)]
        addresses = await self._read_contacts(caller, entitled)
        views = []
        for each in shown:
            places = _places(each, addresses) if each in entitled else None
            views.append(notice_view(each.row, places))
        return views

    async def _read_contacts(self, caller: Caller, shown: Sequence[ShownNotice]) -> dict[str, CustomerAddress]:
        """Ask intake for what fills the texts to customers; it logs who reads."""
        asks = {
            each.row["ticket_no"]: AddressAsk(ticket_no=each.row["ticket_no"], customer_id=each.row["recipient"])
            for each in shown
            if each.row["audience"] == Audience.CUSTOMER and each.row["text"] is not None
        }
        if not asks:
            return {}
        reader = ContactReader(kind=caller.kind, id=caller.id, request_id=request_id.get())
        question = AddressQuestion(asks=tuple(asks.values()), reader=reader)
        answer = await self._intake.post("/internal/customers/addresses", question.model_dump(mode="json"))
        known_addresses = map(CustomerAddress.model_validate, answer["items"])
        return {each.ticket_no: each for each in known_addresses}


def _within(caller: Caller) -> Select[Any]:
    """Notices of tickets within reach, and one's own."""
    reaches = within_reach(caller, Action.READ_NOTICE, tickets)
    query = select(notices).outerjoin(tickets, tickets.c.ticket_no == notices.c.ticket_no)
    if reach(caller, Action.READ_NOTICE) is None:
        return query.where(_own(caller))
    # What concerns no ticket, or one that the feed has not told of, is for those who reach all of them.
    everything = caller.department is None
    reached = reaches if everything else reaches & tickets.c.ticket_no.is_not(None)
    return query.where(or_(reached, _own(caller)))


def _own(caller: Caller) -> Any:
    return (notices.c.audience == Audience.STAFF) & (notices.c.recipient == caller.id)


def _filtered(query: Select[Any], caller: Caller, filters: NoticeFilters) -> Select[Any]:
    if filters.ticket_no is not None:
        query = query.where(notices.c.ticket_no == filters.ticket_no)
    for name in ("state", "channel", "audience", "kind"):
        if values := getattr(filters, name):
            query = query.where(notices.c[name].in_(values))
    if filters.mine:
        query = query.where(_own(caller))
    if filters.cursor is not None:
        query = query.where(notices.c.position < decode_cursor(filters.cursor, int)[0])
    return query


async def _with_tickets(connection: AsyncConnection, rows: Sequence[RowMapping]) -> list[ShownNotice]:
    numbers = sorted({row["ticket_no"] for row in rows if row["ticket_no"]})
    copies = await ticket_copies.find(connection, numbers) if numbers else {}
    return [ShownNotice(row, copies.get(row["ticket_no"])) for row in rows]


def _is_for(caller: Caller, row: RowMapping) -> bool:
    return bool(row["audience"] == Audience.STAFF and row["recipient"] == caller.id)


def _may(caller: Caller, action: Action, shown: ShownNotice) -> bool:
    """Ask the permission table; without a known ticket, only to those who reach every one."""
    if shown.ticket is not None:
        return may(caller, action, shown.ticket)
    return may(caller, action) and (caller.department is None or caller.kind == "service")


def _sees_text(caller: Caller, shown: ShownNotice) -> bool:
    if _is_for(caller, shown.row):
        return True
    if shown.ticket is None or not sees_contact(caller, shown.ticket):
        return False
    return not carries_texts(NoticeKind(shown.row["kind"])) or may(caller, Action.READ_NOTE, shown.ticket)


def _places(shown: ShownNotice, addresses: dict[str, CustomerAddress]) -> Placeholders:
    """Values that fill a text for staff to read. Nobody confirms or rates for the customer: where the customer's links
    stood in the letter, it says so."""
    row = shown.row
    language = Language.of(row["language"], Language.CHINESE)
    if row["audience"] == Audience.STAFF:
        return Placeholders(language, links=dict(row["links"]))
    address = addresses.get(row["ticket_no"])
    hidden = dict.fromkeys(("ticket", "survey"), WORDING.speak(language).text("link.hidden"))
    return Placeholders(language, address.name if address else None, hidden)
