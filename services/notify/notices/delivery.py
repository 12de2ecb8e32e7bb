"""Tries to deliver notices, many together: their rows decide, addresses are asked now, each text is written once.

A bundle costs three statements: its claim, its texts, its ends. What a process that dies has not written down is tried
again by whoever takes over, as after a single try: the same words under the same key.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from sqlalchemy.exc import DBAPIError

from services.contracts.notice import NoticeStanding, NoticeState
from services.notify.notices.channels.base import ChannelAdapter, DeliveryDeferred, Undeliverable
from services.notify.notices.outcomes import Outcome, count
from services.notify.notices.preparation import AddressProvider, Preparation, ReadyNotice
from services.notify.notices.records import NoticeRecords
from services.notify.notices.writer import Letterhead, NoticeWriter, Row
from services.runtime.errors import NotFound, Refusal
from services.runtime.postgres.database import Database

RECORD_SECONDS = 0.1
"""Longest time from the end of a try to its record, while others of its bundle are still on their way."""

Place = Callable[[Row], AbstractAsyncContextManager[None]]


def _now() -> datetime:
    return datetime.now(UTC)


def _at_once(_: Row) -> AbstractAsyncContextManager[None]:
    return nullcontext()


class NoPlace(Exception):
    """A letter found no place to be sent in time."""


class Submitter(Protocol):
    """Hears how what it has submitted ended."""

    async def hear(self, key: str, standing: NoticeStanding) -> None:
        """The notice of this key has come to its end, and stands there."""


class Delivery:
    """Delivers notices: bundles at their first try, each alone at every later one."""

    def __init__(
        self,
        database: Database,
        addresses: AddressProvider,
        channels: Sequence[ChannelAdapter],
        sender: Letterhead,
        now: Callable[[], datetime] = _now,
        submitter: Submitter | None = None,
    ) -> None:
        self._writer = NoticeWriter(sender)
        self._records = NoticeRecords(database)
        self._preparation = Preparation(database, addresses, channels, self._writer, now)
        self._submitter = submitter

    async def attempt(self, notice_id: str, round_: int) -> NoticeState:
        """Try one; answers where the notice stands then. One that does not wait any more is left alone, and what can
        wait does so until quiet hours are over.

        Raises:
            DeliveryDeferred, Unavailable: try again later.
        """
        row = await self._found(notice_id)
        if row["state"] != NoticeState.WAITING or row["round"] != round_ or row["held"]:
            return NoticeState(row["state"])
        for outcome in await self.attempt_all([row]):
            if outcome.failure is not None:
                raise outcome.failure
            return outcome.state
        raise DeliveryDeferred("overtaken")

    async def attempt_all(self, rows: Sequence[Row], place: Place = _at_once) -> Sequence[Outcome]:
        """Try notices of one audience that wait, side by side, each letter in a `place` of its own; answers how they
        went. What somebody else has ended or written meanwhile is passed by.

        Raises:
            Unavailable, DBAPIError: quiet hours or texts could not be read, and nothing was tried; or not everything
                could be written down.
        """
        prepared = await self._preparation.prepare(rows)
        outcomes = [each for each in prepared if isinstance(each, Outcome)]
        ready = [each for each in prepared if isinstance(each, ReadyNotice)]
        outcomes += [_taken(each) for each in ready if not each.channel.takes_letters]
        letters = [each for each in ready if each.channel.takes_letters]
        kept = await self._keep(letters)
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(self._send(each, place, is_kept=each.row["id"] in kept)) for each in letters]
            failure = await self._record(outcomes, set(sending), group)
        if failure is not None:
            raise failure
        return [*outcomes, *_done(sending)]

    async def give_up(self, notice_id: str, round_: int) -> NoticeState:
        """The engine has tried to the end: the notice has failed, where it still waits."""
        row = await self._found(notice_id)
        if row["state"] != NoticeState.WAITING or row["round"] != round_:
            return NoticeState(row["state"])
        await self._hear(await self._end([Outcome(row, NoticeState.FAILED)]))
        return NoticeState.FAILED

    async def _found(self, notice_id: str) -> Row:
        row = await self._records.find(notice_id)
        if row is None:
            raise NotFound
        return row

    async def _keep(self, letters: Sequence[ReadyNotice]) -> frozenset[str]:
        """Keep the texts of letters before any of them is sent, so that every repeat says the same; answers the ids of
        those that are kept."""
        before = frozenset(each.row["id"] for each in letters if each.text.is_kept)
        new = [(each.row, each.text) for each in letters if not each.text.is_kept]
        return before | await self._records.keep_all(new)

    async def _send(self, ready: ReadyNotice, place: Place, *, is_kept: bool) -> Outcome | None:
        """Send one letter; None where somebody else has ended or written it meanwhile."""
        row, channel = ready.row, ready.channel
        tried = partial(Outcome, row, channel=channel.name)
        try:
            if not is_kept and not await self._records.keep(row, ready.text):
                return None
            async with place(row):
                await channel.send(self._writer.letter(row, ready.reached, ready.text))
        except NoPlace:
            return Outcome(row)
        except Undeliverable as error:
            return tried(NoticeState.FAILED, error=error.code)
        except DeliveryDeferred as error:
            return tried(error=error.code, failure=error)
        except Exception as error:  # noqa: BLE001 - a notice that fails in a new way must not stop the others
            return Outcome(row, failure=error)
        return tried(NoticeState.SENT, sent_at=datetime.now(UTC))

    async def _record(
        self, ended: Sequence[Outcome], sending: Set[asyncio.Task[Outcome | None]], group: asyncio.TaskGroup
    ) -> Exception | None:
        """Write outcomes down as they come; answers what kept some of them from it."""
        failure: Exception | None = None
        while ended or sending:
            if sending:
                done, sending = await asyncio.wait(sending, timeout=RECORD_SECONDS)
                ended = [*ended, *_done(done)]
            try:
                group.create_task(self._hear(await self._end(ended)))
            except (Refusal, DBAPIError) as error:
                failure = error
            ended = ()
        return failure

    async def _end(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Write outcomes down; answers those of notices that have come to their end by them."""
        ended = [each for each in await self._records.end(outcomes) if each.state is not NoticeState.WAITING]
        count(ended)
        return ended

    async def _hear(self, ended: Sequence[Outcome]) -> None:
        if self._submitter is not None:
            await asyncio.gather(*(self._submitter.hear(each.row["key"], each.standing) for each in ended))


def _done(tasks: Iterable[asyncio.Task[Outcome | None]]) -> Sequence[Outcome]:
    return [outcome for each in tasks if (outcome := each.result()) is not None]


def _taken(ready: ReadyNotice) -> Outcome:
    """The outcome of a notice that needs no letter: its row is what its recipient reads."""
    sent = partial(Outcome, ready.row, NoticeState.SENT, sent_at=datetime.now(UTC))
    return sent(channel=ready.channel.name, text=ready.text)
