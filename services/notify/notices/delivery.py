"""One try to deliver a notice: its row decides, the address is asked now, the text is written once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from prometheus_client import Histogram
from sqlalchemy import RowMapping, select, update

from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeState, NotSentReason
from services.notify.hours import store
from services.notify.notices import catalogue
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.channels.base import ChannelAdapter, DeliveryDeferred, Undeliverable
from services.notify.notices.channels.choice import channel_to
from services.notify.notices.letter import House, Letter, Placeholders, fill, html_of, signed
from services.notify.notices.rendering import Written, write
from services.notify.notices.samples import CUSTOMER_PLACE, SURVEY_LINK_PLACE, TICKET_LINK_PLACE
from services.notify.notices.submission import NO_CHANNEL, notices_total
from services.notify.notices.tables import notices
from services.notify.notices.template_bounds import Unwritable
from services.notify.notices.vocabulary import Language
from services.runtime.errors import NotFound
from services.runtime.postgres.database import Database

delivery_seconds = Histogram(
    "bihuan_notice_delivery_seconds",
    "From the making of a notice to the moment at which its channel took it.",
    ["channel"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0),
)


def _now() -> datetime:
    return datetime.now(UTC)


class AddressProvider(Protocol):
    """Knows how people are reached."""

    async def of(self, row: RowMapping) -> RecipientAddress | None:
        """The addresses of a notice's recipient now; None when nobody knows them."""


class Submitter(Protocol):
    """Hears how what it has submitted ended."""

    async def hear(self, key: str) -> None:
        """The notice of this key has come to its end."""


@dataclass(frozen=True)
class Letterhead:
    """The sender that notices come from."""

    house: House
    zone: ZoneInfo
    public_url: str


class Delivery:
    """Delivers notices, one call a try."""

    def __init__(
        self,
        database: Database,
        addresses: AddressProvider,
        channels: Sequence[ChannelAdapter],
        sender: Letterhead,
        now: Callable[[], datetime] = _now,
        submitter: Submitter | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._addresses = addresses
        self._channels = channels
        self._sender = sender
        self._submitter = submitter

    async def attempt(self, notice_id: str, round_: int) -> NoticeState:
        """Try once; answers where the notice stands then. One that does not wait any more is left alone, and what can
        wait does so until quiet hours are over.

        Raises:
            DeliveryDeferred, Unavailable: try again later.
        """
        row = await self._row(notice_id)
        if row["state"] != NoticeState.WAITING or row["round"] != round_ or row["held"]:
            return NoticeState(row["state"])
        if quiet_until := await self._quiet_until(row):
            return await self._hold(row, quiet_until)
        reached = await self._addresses.of(row)
        if reached is None:
            return await self._end(row, NoticeState.NOT_SENT, reason=NotSentReason.UNKNOWN_RECIPIENT)
        try:
            written, language = await self._written(row, reached)
        except Unwritable:
            return await self._end(row, NoticeState.NOT_SENT, reason=NotSentReason.UNWRITABLE)
        letter = self._letter(row, reached, written, language)
        channel = channel_to(self._channels, letter.audience, letter.to_email)
        if channel is None:
            return await self._end(row, NoticeState.NOT_SENT, reason=NotSentReason.NO_ADDRESS)
        return await self._send(row, channel, letter)

    async def give_up(self, notice_id: str, round_: int) -> NoticeState:
        """The engine has tried to the end: the notice has failed, where it still waits."""
        row = await self._row(notice_id)
        if row["state"] != NoticeState.WAITING or row["round"] != round_:
            return NoticeState(row["state"])
        return await self._end(row, NoticeState.FAILED)

    async def _quiet_until(self, row: RowMapping) -> datetime | None:
        """The end of the quiet hours that hold this notice back now. What a person had sent anew goes at once."""
        if row["urgent"] or row["round"] > 1:
            return None
        async with self._database.read() as connection:
            quiet = await store.in_force(connection)
        return quiet.hold_until(Audience(row["audience"]), NoticeKind(row["kind"]), self._now(), urgent=row["urgent"])

    async def _hold(self, row: RowMapping, until: datetime) -> NoticeState:
        """Leave a notice to its next first try: no workflow waits through a night."""
        await self._note(row, held_until=until, workflow_from=None, engine_id=None, engine_attempts=0)
        return NoticeState.WAITING

    async def _send(self, row: RowMapping, channel: ChannelAdapter, letter: Letter) -> NoticeState:
        try:
            await channel.send(letter)
        except Undeliverable as error:
            return await self._end(row, NoticeState.FAILED, channel=channel.name, error=error.code)
        except DeliveryDeferred as error:
            await self._note(row, channel=channel.name, last_error=error.code, tries=notices.c.tries + 1)
            raise
        return await self._end(row, NoticeState.SENT, channel=channel.name)

    async def _row(self, notice_id: str) -> RowMapping:
        async with self._database.read() as connection:
            found = await connection.execute(select(notices).where(notices.c.id == notice_id))
        row = found.mappings().one_or_none()
        if row is None:
            raise NotFound
        return row

    async def _written(self, row: RowMapping, reached: RecipientAddress) -> tuple[Written, Language]:
        """The notice's text. It is kept before the first sending, so that every repeat says the same."""
        if row["text"] is not None:
            return Written(row["subject"], row["text"]), Language.of(row["language"], Language.CHINESE)
        language = Language.of(row["language"] or reached.language, Language.CHINESE)
        async with self._database.read() as connection:
            template = (await catalogue.stored(connection, f"{row['kind']}.{language}")).template
        written = write(template, self._facts(row), self._sender.zone)
        version = f"{template.id}@{template.version}"
        await self._note(row, subject=written.subject, text=written.text, language=language, template=version)
        return written, language

    def _facts(self, row: RowMapping) -> Mapping[str, Any]:
        places = {"customer": CUSTOMER_PLACE, "ticket_link": TICKET_LINK_PLACE, "survey_link": SURVEY_LINK_PLACE}
        links = {f"{name}_link": link for name, link in self._staff_links(row).items()}
        return {**row["facts"], **row["texts"], **places, **links, "ticket_no": row["ticket_no"]}

    def _staff_links(self, row: RowMapping) -> Mapping[str, str]:
        """Links where staff go on; an alert's notice brings the way to the alert itself."""
        base, ticket_no = self._sender.public_url, row["ticket_no"]
        links = {"alerts": row["links"].get("alerts") or f"{base}/alerts"}
        return {**links, "console": f"{base}/tickets/{ticket_no}"} if ticket_no else links

    def _letter(self, row: RowMapping, reached: RecipientAddress, written: Written, language: Language) -> Letter:
        to_customer = row["audience"] == Audience.CUSTOMER
        links = {**reached.links, **row["links"], **({} if to_customer else self._staff_links(row))}
        places = Placeholders(language, reached.name if to_customer else None, links)
        text, house = fill(written.text, places), self._sender.house
        return Letter(
            key=row["key"],
            audience=Audience(row["audience"]),
            language=language,
            subject=fill(written.subject, places),
            text=signed(text, house, language) if to_customer else text,
            html=html_of(written.subject, written.text, places, house, to_customer=to_customer),
            to_name=reached.name,
            to_email=reached.email,
            urgent=row["urgent"],
        )

    async def _note(self, row: RowMapping, **values: Any) -> None:
        async with self._database.begin() as connection:
            await connection.execute(update(notices).where(notices.c.id == row["id"]).values(**values))

    async def _end(
        self,
        row: RowMapping,
        state: NoticeState,
        *,
        reason: NotSentReason | None = None,
        channel: NoticeChannel | None = None,
        error: str | None = None,
    ) -> NoticeState:
        now = datetime.now(UTC)
        values: dict[str, Any] = {"state": state, "not_sent_reason": reason}
        if channel is not None:
            values |= {"channel": channel, "tries": notices.c.tries + 1, "last_error": error}
        if state is NoticeState.SENT:
            values["sent_at"] = now
        waits = (notices.c.id == row["id"], notices.c.state == NoticeState.WAITING)
        async with self._database.begin() as connection:
            ended = await connection.execute(update(notices).where(*waits).values(**values))
        if ended.rowcount:
            name = channel or row["channel"] or NO_CHANNEL
            notices_total.labels(row["kind"], name, state).inc()
            if state is NoticeState.SENT and row["round"] == 1:
                delivery_seconds.labels(name).observe((now - row["created_at"]).total_seconds())
            if self._submitter is not None:
                await self._submitter.hear(row["key"])
        return state
