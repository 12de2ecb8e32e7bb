"""Follows the journal: what happened to a ticket becomes notices, each once (product.md 6, invariant I5)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.base import format_instant
from services.contracts.directory import StaffRole
from services.contracts.feed import TicketEvent
from services.contracts.notice import Audience, NoticeKind, NoticeRequest
from services.contracts.vocabulary import Urgency
from services.notify import ticket_copies
from services.notify.notices import submission
from services.notify.notices.rules import CANCELS, NOTICE_RULES, RELEASES, NoticeRule, To
from services.notify.notices.submission import NoticeDraft
from services.notify.notices.tables import handlers
from services.runtime.security.contact_mask import without_contacts

CONSUMER = "notices"
_TOLD_TO_ALL = frozenset({"message", "summary"})
"""Texts that the customers of copies read too: news of the matter. Answers and questions are one customer's."""
OWNER, CO_OWNER, DEPARTMENT_HEAD = "owner", "co_owner", "department_head"
_STANDING_IN = (
    (StaffRole.CLERK, "clerk"),
    (StaffRole.DEPARTMENT_HEAD, DEPARTMENT_HEAD),
    (StaffRole.SUPERVISOR, "supervisor"),
)
"""Who is told in place of an owner, and the part they have."""


class NoticeConsumer:
    """Turns pages of the feed into notices; `apply` is a `Consumer`'s."""

    def __init__(self, people: DirectoryCopy, stale_after: timedelta) -> None:
        self._people = people
        self._stale_after = stale_after

    async def apply(self, connection: AsyncConnection, items: Sequence[TicketEvent]) -> None:
        """Enter what a page of events says, in the transaction that moves the cursor.

        Raises:
            Unavailable: whom to tell could not be asked; the page is read again.
        """
        await ticket_copies.remember(connection, (item.ticket for item in items))
        for item in items:
            await self._enter(connection, item)

    async def apply_late(self, connection: AsyncConnection, item: TicketEvent) -> None:
        """Enter what an event says that could not be applied in its turn. What came after it has been told already: it
        takes back and lets go nothing newer than itself, and tells nobody of a part that they have lost since."""
        await ticket_copies.remember(connection, [item.ticket])
        await self._enter(connection, item, until=item.event.at)

    async def _enter(self, connection: AsyncConnection, item: TicketEvent, until: datetime | None = None) -> None:
        if kinds := CANCELS.get(item.event.type):
            await submission.cancel_of_ticket(connection, item.ticket_no, kinds, until)
        drafts = [draft async for draft in self._drafts(connection, item, late=until is not None)]
        await submission.submit(connection, drafts, self._stale_after)
        if kind := RELEASES.get(item.event.type):
            await submission.release(connection, item.ticket_no, kind, until)

    async def _drafts(self, connection: AsyncConnection, item: TicketEvent, *, late: bool) -> Any:
        for rule in NOTICE_RULES.get(item.event.type, ()):
            if not rule.when(item):
                continue
            if rule.to is To.CUSTOMER:
                yield NoticeDraft(_request(rule, item, item.ticket.customer_id), held=rule.held(item))
                for request in _news(rule, item):
                    yield NoticeDraft(request)
                continue
            by_name = (await self._people.roll()).name_of(item.event.actor.id)
            # Nobody is told what they did themselves, nor told to handle what is said about them (投诉对象).
            left_out = {item.event.actor.id, item.ticket.complaint_about}
            for staff, part in await self._staff(connection, rule.to, item, late=late):
                if staff not in left_out:
                    yield NoticeDraft(_request(rule, item, staff, part=part, by_name=by_name), held=rule.held(item))

    async def _staff(
        self, connection: AsyncConnection, to: To, item: TicketEvent, *, late: bool
    ) -> Sequence[tuple[str, str]]:
        """Staff whom an event concerns, each with their part in the ticket; whoever has left has none."""
        roll = await self._people.roll(at_once=True)
        ticket = item.ticket
        heads = [(id_, DEPARTMENT_HEAD) for id_ in roll.with_role(StaffRole.DEPARTMENT_HEAD, ticket.department)]
        if to is To.DEPARTMENT_HEAD:
            return heads
        if to is To.NEW_HANDLERS:
            named = [each for each in await _newly_named(connection, item, late=late) if roll.has(each[0])]
            told = {id_ for id_, _ in named}
            return [*named, *(each for each in heads if named and each[0] not in told)]
        if ticket.owner and roll.has(ticket.owner):
            return [(ticket.owner, OWNER)]
        return _clerks(roll, item)


def _clerks(roll: Roll, item: TicketEvent) -> Sequence[tuple[str, str]]:
    """The clerks; where there are none, or only the one that the complaint is about, the heads or else the supervisors:
    what nobody owns must not go to nobody."""
    for role, part in _STANDING_IN:
        found = roll.with_role(role, item.ticket.department)
        if told := [(id_, part) for id_ in found if id_ != item.ticket.complaint_about]:
            return told
    return []


async def _newly_named(connection: AsyncConnection, item: TicketEvent, *, late: bool) -> Sequence[tuple[str, str]]:
    """Owner and co-owners whom the last assignment did not name in the same part; remembers those of this one, and of
    a late one those who are it still."""
    data = item.event.data
    owners = [str(data["owner"])] if data.get("owner") else []
    co_owners = data.get("co_owners")
    helpers = [str(each) for each in co_owners] if isinstance(co_owners, list) else []
    named = {f"{OWNER}:{id_}": (id_, OWNER) for id_ in owners}
    named |= {f"{CO_OWNER}:{id_}": (id_, CO_OWNER) for id_ in helpers if id_ not in owners}
    of_ticket = handlers.c.ticket_no == item.ticket_no
    before = await connection.scalar(select(handlers.c.named).where(of_ticket)) or []
    kept: set[str] = set()
    if late:
        still = {f"{OWNER}:{item.ticket.owner}", *(f"{CO_OWNER}:{id_}" for id_ in item.ticket.co_owners)}
        named = {key: each for key, each in named.items() if key in still}
        kept = still & set(before)
    now = insert(handlers).values(ticket_no=item.ticket_no, named=sorted(named.keys() | kept))
    await connection.execute(
        now.on_conflict_do_update(index_elements=[handlers.c.ticket_no], set_={"named": now.excluded.named})
    )
    return [each for key, each in named.items() if key not in before]


def _request(rule: NoticeRule, item: TicketEvent, recipient: str, **of_staff: str | None) -> NoticeRequest:
    event, ticket = item.event, item.ticket
    to_customer = rule.to is To.CUSTOMER
    facts = {
        "kind": ticket.kind,
        "category": ticket.category,
        "urgency": ticket.urgency,
        "product_model": ticket.product_model,
        "department": ticket.department,
        "cycle": event.cycle,
        "happened_at": event.at,
        **of_staff,
        **rule.facts(item),
    }
    return NoticeRequest.model_validate(
        {
            "key": f"journal/{item.ticket_no}/{event.seq}/{rule.kind}/{recipient}",
            "ticket_no": item.ticket_no,
            "kind": rule.kind,
            "audience": Audience.CUSTOMER if to_customer else Audience.STAFF,
            "recipient": recipient,
            "language": ticket.language if to_customer else None,
            "urgent": ticket.urgency is Urgency.URGENT,
            "at": event.at,
            "facts": {
                name: format_instant(fact) if isinstance(fact, datetime) else fact for name, fact in facts.items()
            },
            "texts": dict(_texts(rule, item)),
        }
    )


def _news(rule: NoticeRule, item: TicketEvent) -> Iterator[NoticeRequest]:
    """News for customers whose reports were merged into another customer's ticket: how it goes on, under their own
    number and link, and no contact that was written for the other one. Each hears it once."""
    if rule.news is None:
        return
    latest = {copy.customer_id: copy for copy in item.ticket.joined}
    texts = {name: without_contacts(text) for name, text in _texts(rule, item) if name in _TOLD_TO_ALL}
    for copy in latest.values():
        yield NoticeRequest(
            key=f"journal/{item.ticket_no}/{item.event.seq}/{NoticeKind.JOINED_NEWS}/{copy.ticket_no}",
            ticket_no=copy.ticket_no,
            kind=NoticeKind.JOINED_NEWS,
            audience=Audience.CUSTOMER,
            recipient=copy.customer_id,
            language=copy.language,
            urgent=item.ticket.urgency is Urgency.URGENT,
            at=item.event.at,
            facts={"news": rule.news, "into": item.ticket_no, "happened_at": format_instant(item.event.at)},
            texts=texts,
        )


def _texts(rule: NoticeRule, item: TicketEvent) -> Iterator[tuple[str, str]]:
    for name, field in rule.texts.items():
        written = item.body.get(field)
        if isinstance(written, str):
            yield name, written
        elif isinstance(written, list):
            yield name, "\n".join(f"{number}. {line}" for number, line in enumerate(written, 1))
