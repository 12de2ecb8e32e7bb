"""Notices made and delivered by hand: real rows, and recipients that a test decides."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeRequest, NoticeState
from services.notify.notices import submission
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.changes import NoticeChanges, Waiting
from services.notify.notices.channels.base import ChannelAdapter, DeliveryDeferred, Undeliverable
from services.notify.notices.channels.inbox import Inbox
from services.notify.notices.delivery import Delivery
from services.notify.notices.letter import House, Letter
from services.notify.notices.tables import notices
from services.notify.notices.writer import Letterhead
from services.notify.wake_channels import FIRST_TRIES_CHANNEL
from services.runtime.errors import Unavailable
from services.runtime.postgres.commit_notifier import wake
from services.runtime.postgres.database import Database

WEEK = timedelta(days=7)
HAN_MEIMEI = RecipientAddress("韩梅梅", "han@customer.example", links={"ticket": "https://service.example/t/1"})
LIN_TAO = RecipientAddress("林涛", None, "en")
SENDER = Letterhead(House("售后服务中心"), ZoneInfo("Asia/Shanghai"), "https://service.example")
_serial = itertools.count(1)


@dataclass
class FakeRecipients:
    """Addresses of people; `down` is intake or the directory not answering, both where it is true."""

    people: dict[str, RecipientAddress] = field(default_factory=lambda: {"han-meimei": HAN_MEIMEI, "lin-tao": LIN_TAO})
    down: bool | Audience = False
    asked: int = 0

    async def of(self, audience: Audience, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, RecipientAddress]:
        self.asked += 1
        if self.down is True or self.down is audience:
            raise Unavailable
        return {row["id"]: self.people[row["recipient"]] for row in rows if row["recipient"] in self.people}


class FakeChannel:
    """A channel in the test's hand: `answers` are raised one after the other, then everything is taken."""

    name = NoticeChannel.EMAIL
    takes_letters = True

    def __init__(self) -> None:
        self.answers: list[Exception] = []
        self.letters: list[Letter] = []

    def reaches(self, _: Audience, email: str | None) -> bool:
        return email is not None

    async def send(self, letter: Letter) -> None:
        if self.answers and isinstance(self.answers[0], DeliveryDeferred | Undeliverable):
            raise self.answers.pop(0)
        self.letters.append(letter)
        if self.answers:
            raise self.answers.pop(0)


class NoticeHarness:
    """Takes notices in and delivers them."""

    def __init__(self, database: Database, channels: Sequence[ChannelAdapter] | None = None) -> None:
        self.database = database
        self.recipients = FakeRecipients()
        self.carrier = FakeChannel()
        self.channels: Sequence[Any] = channels or (self.carrier, Inbox(for_customers=False))

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.database, self.recipients, self.channels, SENDER)

    async def submit(self, request: NoticeRequest | submission.NoticeDraft) -> dict[str, Any]:
        """Take one in; answers its row."""
        async with self.database.begin() as connection:
            await connection.execute(text("SELECT 1"))
            await submission.submit(connection, [request], WEEK)
        key = request.key if isinstance(request, NoticeRequest) else request.request.key
        return await self.row(key)

    async def release(self, ticket_no: str, kind: NoticeKind) -> bool:
        """Let held notices of a ticket go, as an event does; answers whether there were any."""
        changes = NoticeChanges({})
        changes.release(Waiting(ticket_no, frozenset({kind})))
        async with self.database.begin() as connection:
            await connection.execute(text("SELECT 1"))
            if is_freed := await changes.write(connection, WEEK):
                await wake(connection, FIRST_TRIES_CHANNEL)
        return is_freed

    async def deliver(self, row: dict[str, Any]) -> NoticeState:
        """Try once."""
        return await self.delivery.attempt(row["id"], row["round"])

    async def row(self, key: str) -> dict[str, Any]:
        """A notice as it stands."""
        async with self.database.read() as connection:
            found = await connection.execute(select(notices).where(notices.c.key == key))
            return dict(found.mappings().one())


def request(**changes: Any) -> NoticeRequest:
    """A progress notice to 韩梅梅, under a key of its own."""
    values: dict[str, Any] = {
        "key": f"test/{next(_serial)}",
        "ticket_no": "20261120001",
        "kind": NoticeKind.PROGRESS,
        "audience": Audience.CUSTOMER,
        "recipient": "han-meimei",
        "language": "zh-CN",
        "at": datetime.now(UTC),
        "facts": {"kind": "fault", "urgency": "normal", "cycle": 1, "product_model": "BCD-500"},
        "texts": {"message": "配件已到货"},
    }
    return NoticeRequest.model_validate({**values, **changes})


def to_lin_tao(**changes: Any) -> NoticeRequest:
    """A chase to 林涛."""
    return request(
        **{
            "kind": NoticeKind.CHASE,
            "audience": Audience.STAFF,
            "recipient": "lin-tao",
            "language": None,
            "texts": {"note": "客户又来电了"},
            **changes,
        }
    )
