"""Makes notices ready to go: quiet hours, addresses, texts and channels, asked once for all that go together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from services.contracts.notice import Audience, NoticeKind, NotSentReason
from services.contracts.notice import NoticeState as State
from services.notify.hours.store import quiet_hours_copy
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.catalogue import templates_copy
from services.notify.notices.channels.base import ChannelAdapter
from services.notify.notices.channels.choice import channel_to
from services.notify.notices.outcomes import Outcome
from services.notify.notices.rendering import Template
from services.notify.notices.template_bounds import Unwritable
from services.notify.notices.writer import NoticeText, NoticeWriter, Row
from services.runtime.postgres.database import Database

ADDRESS_SECONDS = 3.0
"""Longest wait for addresses: what takes longer is tried later."""

Addresses = Mapping[str, RecipientAddress]


class AddressProvider(Protocol):
    """Knows how people are reached."""

    async def of(self, audience: Audience, rows: Sequence[Mapping[str, Any]]) -> Addresses:
        """The addresses of the recipients of one audience's notices now, by the notices' ids; those whom nobody knows
        are missing."""


@dataclass(frozen=True)
class ReadyNotice:
    """A notice that only has to be handed over."""

    row: Row
    channel: ChannelAdapter
    reached: RecipientAddress
    text: NoticeText


class Preparation:
    """Prepares notices; what cannot go has its outcome already."""

    def __init__(
        self,
        database: Database,
        addresses: AddressProvider,
        channels: Sequence[ChannelAdapter],
        writer: NoticeWriter,
        now: Callable[[], datetime],
    ) -> None:
        self._quiet_hours = quiet_hours_copy(database)
        self._templates = templates_copy(database)
        self._addresses = addresses
        self._channels = channels
        self._writer = writer
        self._now = now

    async def prepare(self, rows: Sequence[Row]) -> Sequence[Outcome | ReadyNotice]:
        """Make notices of one audience ready, or say why they do not go now; one that cannot go holds up no other.

        Raises:
            Unavailable: quiet hours or texts have changed, and cannot be read.
        """
        hours = await self._quiet_hours.at(max(row["hours_version"] for row in rows))
        templates = await self._templates.at(max(row["texts_version"] for row in rows))
        now = self._now()
        # What a person had sent anew goes at once.
        quiet = {
            row["id"]: hours.hold_until(Audience(row["audience"]), NoticeKind(row["kind"]), now, urgent=row["urgent"])
            for row in rows
            if row["round"] == 1
        }
        held = [Outcome(row, held_until=until) for row in rows if (until := quiet.get(row["id"]))]
        going = [row for row in rows if not quiet.get(row["id"])]
        reached = await self._reached(going) if going else {}
        if isinstance(reached, Exception):
            return [*held, *(Outcome(row, failure=reached) for row in going)]
        return [*held, *(self._ready(row, reached.get(row["id"]), templates) for row in going)]

    async def _reached(self, rows: Sequence[Row]) -> Addresses | Exception:
        """The addresses of recipients, or what kept them from us."""
        try:
            async with asyncio.timeout(ADDRESS_SECONDS):
                return await self._addresses.of(Audience(rows[0]["audience"]), rows)
        except Exception as error:  # noqa: BLE001 - whatever it is, the notices are tried again
            return error

    def _ready(
        self, row: Row, reached: RecipientAddress | None, templates: Mapping[str, Template]
    ) -> Outcome | ReadyNotice:
        if reached is None:
            return Outcome(row, State.NOT_SENT, NotSentReason.UNKNOWN_RECIPIENT)
        try:
            text = self._writer.text(row, reached, templates)
        except Unwritable:
            return Outcome(row, State.NOT_SENT, NotSentReason.UNWRITABLE)
        except Exception as error:  # noqa: BLE001 - a notice that fails in a new way must not stop the others
            return Outcome(row, failure=error)
        channel = channel_to(self._channels, Audience(row["audience"]), reached.email)
        if channel is None:
            return Outcome(row, State.NOT_SENT, NotSentReason.NO_ADDRESS, text=text)
        return ReadyNotice(row, channel, reached, text)
