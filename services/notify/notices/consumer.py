"""Follows the journal: what happened to a ticket becomes notices, each once (product.md 6, invariant I5)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.directory_copy import DirectoryCopy, Roll
from services.contracts.base import format_instant
from services.contracts.directory import StaffRole
from services.contracts.feed import TicketEvent
from services.contracts.journal import EventType
from services.contracts.notice import Audience, NoticeKind, NoticeRequest
from services.contracts.vocabulary import Urgency
from services.notify import ticket_copies
from services.notify.notices.changes import NoticeChanges, Waiting, changes_of
from services.notify.notices.rules import CANCELS, NOTICE_RULES, RELEASES, NoticeRule, To
from services.notify.notices.submission import NoticeDraft
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
    """Turns pages of the feed into notices; `apply` and `applied` are a `Consumer`'s. `freed` is called after a commit
    that lets something go."""

    def __init__(self, people: DirectoryCopy, stale_after: timedelta, freed: Callable[[], None]) -> None:
        self._people = people
        self._stale_after = stale_after
        self._freed = freed
        self._is_freed = False

    async def apply(self, connection: AsyncConnection, items: Sequence[TicketEvent]) -> None:
        """Enter what a page of events says, in the transaction that moves the cursor.

        Raises:
            Unavailable: whom to tell could not be asked; the page is read again.
        """
        await self._enter(connection, items, late=False)

    async def apply_late(self, connection: AsyncConnection, item: TicketEvent) -> None:
        """Enter what an event says that could not be applied in its turn. What came after it has been told already: it
        takes back and lets go nothing newer than itself, and tells nobody of a part that they have lost since."""
        await self._enter(connection, [item], late=True)

    def applied(self) -> None:
        """The transaction of what was applied last has been committed."""
        if self._is_freed:
            self._is_freed = False
            self._freed()

    async def _enter(self, connection: AsyncConnection, items: Sequence[TicketEvent], *, late: bool) -> None:
        await ticket_copies.remember(connection, (item.ticket for item in items))
        roll = await self._roll(items)
        assigned = (item.ticket_no for item in items if item.event.type is EventType.ASSIGNED)
        changes = await changes_of(connection, assigned)
        for item in items:
            until = item.event.at if late else None
            if kinds := CANCELS.get(item.event.type):
                changes.take_back(Waiting(item.ticket_no, kinds, until))
            changes.add(_drafts(item, roll, changes, late=late))
            if kind := RELEASES.get(item.event.type):
                changes.release(Waiting(item.ticket_no, frozenset({kind}), until))
        self._is_freed |= await changes.write(connection, self._stale_after)

    async def _roll(self, items: Sequence[TicketEvent]) -> Roll:
        """Everybody as of now, asked once for a page; nobody where it tells customers alone."""
        told = (rule for item in items for rule in _rules_of(item))
        if all(rule.to is To.CUSTOMER for rule in told):
            return Roll()
        return await self._people.roll(at_once=True)


def _rules_of(item: TicketEvent) -> Iterator[NoticeRule]:
    return (rule for rule in NOTICE_RULES.get(item.event.type, ()) if rule.when(item))


def _drafts(item: TicketEvent, roll: Roll, changes: NoticeChanges, *, late: bool) -> Iterator[NoticeDraft]:
    for rule in _rules_of(item):
        held = rule.held(item)
        if rule.to is To.CUSTOMER:
            yield NoticeDraft(_request(rule, item, item.ticket.customer_id), held=held)
            yield from map(NoticeDraft, _news(rule, item))
            continue
        by_name = roll.name_of(item.event.actor.id)
        # Nobody is told what they did themselves, nor told to handle what is said about them (投诉对象).
        left_out = {item.event.actor.id, item.ticket.complaint_about}
        for staff, part in _staff(rule.to, item, roll, changes, late=late):
            if staff not in left_out:
                yield NoticeDraft(_request(rule, item, staff, part=part, by_name=by_name), held=held)


def _staff(to: To, item: TicketEvent, roll: Roll, changes: NoticeChanges, *, late: bool) -> Sequence[tuple[str, str]]:
    """Staff whom an event concerns, each with their part in the ticket; whoever has left has none."""
    ticket = item.ticket
    heads = [(id_, DEPARTMENT_HEAD) for id_ in roll.with_role(StaffRole.DEPARTMENT_HEAD, ticket.department)]
    if to is To.DEPARTMENT_HEAD:
        return heads
    if to is To.NEW_HANDLERS:
        named = [each for each in _newly_named(item, changes, late=late) if roll.has(each[0])]
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


def _newly_named(item: TicketEvent, changes: NoticeChanges, *, late: bool) -> Sequence[tuple[str, str]]:
    """Owner and co-owners whom the last assignment did not name in the same part; remembers those of this one, and of
    a late one those who are it still."""
    data = item.event.data
    owners = [str(data["owner"])] if data.get("owner") else []
    co_owners = data.get("co_owners")
    helpers = [str(each) for each in co_owners] if isinstance(co_owners, list) else []
    named = {f"{OWNER}:{id_}": (id_, OWNER) for id_ in owners}
    named |= {f"{CO_OWNER}:{id_}": (id_, CO_OWNER) for id_ in helpers if id_ not in owners}
    before, kept = changes.named(item.ticket_no), frozenset[str]()
    if late:
        still = {f"{OWNER}:{item.ticket.owner}", *(f"{CO_OWNER}:{id_}" for id_ in item.ticket.co_owners)}
        named = {key: each for key, each in named.items() if key in still}
        kept = before & still
    changes.name(item.ticket_no, named.keys() | kept)
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
