"""Webhooks without an engine: rows, passes at chosen times, and the receivers that they reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Table, Update, func, select

from services.contracts.directory import StaffRole
from services.contracts.feed import TicketEvent, TicketFacts
from services.contracts.journal import Actor, Event, EventType
from services.contracts.vocabulary import ActorKind, Category, Channel, Kind, Phase, Priority, Urgency
from services.contracts.webhook import Carried
from services.notify.networks import parse_networks
from services.notify.notices.tables import notices
from services.notify.resources import Resources
from services.notify.settings import NotifySettings
from services.notify.webhooks.addresses import GuardedResolver
from services.notify.webhooks.consumer import follow, follow_late
from services.notify.webhooks.request import WebhookSender
from services.notify.webhooks.schemas import NewWebhook, WebhookChange
from services.notify.webhooks.secrets import secrets_of
from services.notify.webhooks.states import DeliveryState
from services.notify.webhooks.store import Webhooks
from services.notify.webhooks.tables import deliveries, webhooks
from services.notify.webhooks.worker import dispatcher
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Caller
from services.runtime.service_client import ServiceClient
from tests.services.runtime.feed_fakes import begun

LOOPBACK = "127.0.0.0/8"
DEPARTMENTS = ("after-sales", "logistics")
ADMIN = Caller(kind="staff", id="s-sun-lei", name="孙磊", roles=frozenset({StaffRole.ADMIN}))
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
"""When passes begin, as the workflow has it."""
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class FakeDirectory(ServiceClient):
    """The directory as far as webhooks ask it: 孙磊 administers, and there are two departments."""

    def __init__(self) -> None:
        super().__init__("http://directory", "")

    async def get(self, path: str, **_: str | int) -> Any:
        """Everybody."""
        assert path == "/internal/people"
        departments: list[dict[str, Any]] = [
            {"id": id_, "name": id_, "categories": [], "default": False, "active": True} for id_ in DEPARTMENTS
        ]
        admin = {
            "id": ADMIN.id,
            "username": "sunlei",
            "name": "孙磊",
            "roles": ["admin"],
            "department": None,
            "active": True,
        }
        return {"generation": 1, "departments": departments, "staff": [admin]}


def facts(ticket_no: str, **changes: Any) -> TicketFacts:
    """A ticket as the feed tells of it."""
    told: dict[str, Any] = {
        "ticket_no": ticket_no,
        "version": 1,
        "phase": Phase.REVIEW,
        "cycle": 1,
        "kind": Kind.FAULT,
        "category": Category.PRODUCT_FAULT,
        "urgency": Urgency.NORMAL,
        "priority": Priority.MEDIUM,
        "channel": Channel.PHONE,
        "language": "zh-CN",
        "department": None,
        "owner": None,
        "co_owners": (),
        "complaint_about": None,
        "customer_id": "c-han-meimei",
        "product_model": "BCD-500",
        "opened_at": NOON,
        "closed_at": None,
        "close_reason": None,
        "reopened": False,
        "policy": "d0-standard",
        "questionnaire": None,
        "survey_reminder_after": None,
        "survey_expires_after": None,
        "live_clocks": {},
        "promised": {},
    }
    return TicketFacts.model_validate({**told, **changes})


def event(
    ticket_no: str,
    seq: int,
    type_: EventType = EventType.PROGRESSED,
    *,
    data: Mapping[str, JsonValue] | None = None,
    recorded_at: datetime | None = None,
    body: Mapping[str, JsonValue] | None = None,
    **ticket: Any,
) -> TicketEvent:
    """An event of a ticket as the feed tells it; recorded tomorrow, so that every webhook is old enough for it."""
    return TicketEvent(
        ticket_no=ticket_no,
        event=Event(
            seq=seq,
            type=type_,
            at=NOON,
            actor=Actor(kind=ActorKind.STAFF, id="s-li-lei"),
            from_phase=Phase.ASSIGNED,
            to_phase=Phase.ASSIGNED,
            cycle=1,
            data=dict(data or {"visible": True}),
        ),
        recorded_at=recorded_at or datetime.now(UTC) + DAY,
        body=dict(body or {}),
        ticket=facts(ticket_no, **ticket),
    )


@dataclass
class WebhookHarness:
    """Rows of one database, and one process's way of sending."""

    database: Database
    settings: NotifySettings
    sender: WebhookSender = field(init=False)
    webhooks: Webhooks = field(init=False)
    secrets: dict[str, str] = field(default_factory=dict)
    """Of each webhook, as its receiver got to know it."""

    def __post_init__(self) -> None:
        networks = parse_networks(self.settings.webhook_networks)
        self.sender = WebhookSender(networks, self.settings.webhook_seconds)
        self.webhooks = Webhooks(secrets_of(self.settings), GuardedResolver(networks), FakeDirectory())
        peer = FakeDirectory()
        self.dispatcher = dispatcher(Resources(self.settings, self.database, peer, peer, peer, peer), self.sender)

    async def add(self, url: str, *, by: Caller = ADMIN, **given: Any) -> str:
        """Make a webhook; answers its id."""
        async with self.database.begin() as connection:
            view, sealed = await self.webhooks.create(connection, by, NewWebhook(url=url, **given))
        self.secrets[view.id] = self.webhooks.secrets.seal.open(sealed)
        return view.id

    async def change(self, webhook_id: str, **change: Any) -> None:
        """Change a webhook."""
        async with self.database.begin() as connection:
            await self.webhooks.change(connection, ADMIN, webhook_id, WebhookChange(**change), None)

    async def rotate(self, webhook_id: str) -> str:
        """Rotate the secret; answers the new one."""
        async with self.database.begin() as connection:
            _, sealed = await self.webhooks.rotate(connection, ADMIN, webhook_id)
        return self.webhooks.secrets.seal.open(sealed)

    async def follow(self, *events: TicketEvent) -> None:
        """Apply a page of the feed."""
        async with begun(self.database) as connection:
            await follow(connection, events)

    async def follow_late(self, item: TicketEvent) -> None:
        """Apply an event that was set aside."""
        async with begun(self.database) as connection:
            await follow_late(connection, item)

    async def carry(self, webhook_id: str, after: timedelta = timedelta(0), *, stopping: bool = False) -> Carried:
        """One pass, `after` noon by the workflow's clock."""
        return await self.dispatcher.carry(webhook_id, NOON + after, lambda: stopping)

    async def deliveries(self, webhook_id: str) -> list[Any]:
        """Rows of a webhook's deliveries by event."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id).order_by(deliveries.c.event_id)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).all())

    async def states(self, webhook_id: str) -> list[str]:
        """States of a webhook's deliveries, by event."""
        return [row.state for row in await self.deliveries(webhook_id)]

    async def how_many(self, webhook_id: str, state: DeliveryState) -> int:
        """Number of a webhook's deliveries in a state."""
        query = select(func.count()).where(deliveries.c.webhook_id == webhook_id, deliveries.c.state == state)
        async with self.database.read() as connection:
            return int(await connection.scalar(query) or 0)

    async def row(self, webhook_id: str) -> Any:
        """A webhook's row."""
        async with self.database.read() as connection:
            return (await connection.execute(select(webhooks).where(webhooks.c.id == webhook_id))).one_or_none()

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook."""
        async with self.database.begin() as connection:
            await self.webhooks.delete(connection, ADMIN, webhook_id, None)

    async def notices(self) -> list[Any]:
        """Notices to 孙磊."""
        query = select(notices).where(notices.c.recipient == ADMIN.id).order_by(notices.c.position)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).all())

    async def count(self, table: Table) -> int:
        """Number of rows."""
        async with self.database.read() as connection:
            return int(await connection.scalar(select(func.count()).select_from(table)) or 0)

    async def store(self, statement: Update) -> None:
        """Change rows by hand: what only time would do."""
        async with self.database.begin() as connection:
            await connection.execute(statement)

    async def close(self) -> None:
        """Close what was opened to send."""
        await self.sender.close()
