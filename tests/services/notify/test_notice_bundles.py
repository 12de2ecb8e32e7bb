"""Notices that wait together are tried together; what happens to one, or to the process, concerns no other (I5)."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.contracts.notice import Audience, NoticeKind, NoticeState, NotSentReason
from services.notify.notices import catalogue, first_attempts, submission
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.channels.base import Undeliverable
from services.notify.notices.channels.inbox import Inbox
from services.notify.notices.delivery import Delivery
from services.notify.notices.first_attempts import FirstAttempts
from services.notify.notices.letter import Letter
from services.notify.notices.records import NoticeRecords
from services.notify.notices.rendering import Template
from services.notify.notices.submission import NoticeDraft
from services.notify.notices.tables import notices
from services.notify.notices.vocabulary import Language
from services.runtime.errors import Unavailable
from services.runtime.postgres.claim_pool import ClaimPool
from services.runtime.postgres.database import Database
from services.runtime.precedence_slots import PrecedenceSlots
from tests.services.notify.notice_harness import SENDER, request, to_lin_tao
from tests.services.notify.test_first_attempts import FirstAttemptsHarness

EDITED = Template(NoticeKind.PROGRESS, Language.CHINESE, 0, "改过", "改过的 {{ ticket_link }}")


class BundleHarness(FirstAttemptsHarness):
    """Notices that wait together, and the moments at which something happens to them."""

    async def waiting(self, count: int) -> list[dict[str, Any]]:
        """So many notices to a customer, which nobody has tried."""
        return [await self.submit(request()) for _ in range(count)]

    async def until_all(self, rows: Sequence[dict[str, Any]], state: str) -> None:
        """Return when all of them stand so."""
        for row in rows:
            await self.until_state(row, state)

    async def stands(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The notices as they stand."""
        return [await self.row(row["key"]) for row in rows]

    async def edit(self) -> None:
        """Write another text for what customers hear of progress."""
        async with self.database.begin() as connection:
            await catalogue.put(connection, EDITED, by="s-1", zone=SENDER.zone, if_match=None)

    async def expire_claims(self) -> None:
        """Time passes until the claims of a process that died are over."""
        async with self.database.begin() as connection:
            waiting = update(notices).where(notices.c.state == "waiting", notices.c.workflow_from.is_not(None))
            await connection.execute(waiting.values(workflow_from=func.now()))


@pytest.fixture
def harness(database: Database) -> BundleHarness:
    return BundleHarness(database)


async def test_a_bundle_asks_once_for_the_addresses_of_each_audience(harness: BundleHarness) -> None:
    rows = [*await harness.waiting(30), *[await harness.submit(to_lin_tao()) for _ in range(15)]]
    async with harness.trying():
        await harness.until_all(rows, "sent")
    assert harness.recipients.asked == 2
    assert len(harness.subjects()) == len(set(harness.subjects())) == 30


async def test_more_than_a_bundle_goes_without_another_call(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_attempts, "BUNDLE", 3)
    rows = await harness.waiting(20)
    async with harness.trying(hands=2):
        await harness.until_all(rows, "sent")
    assert sorted(harness.subjects()) == sorted(row["key"] for row in rows)
    assert harness.recipients.asked >= 7


async def test_staff_are_told_while_intake_is_away_and_customers_while_the_directory_is(
    harness: BundleHarness,
) -> None:
    for away, told, waits in (
        (Audience.CUSTOMER, to_lin_tao(), request()),
        (Audience.STAFF, request(), to_lin_tao()),
    ):
        harness.recipients.down = away
        goes, stays = await harness.submit(told), await harness.submit(waits)
        async with harness.trying():
            await harness.until_state(goes, "sent")
            await harness.until_left_over(1)
        assert (await harness.row(stays["key"]))["state"] == "waiting"
        harness.recipients.down = False
        assert await harness.deliver(stays) is NoticeState.SENT


async def test_one_that_cannot_be_written_sent_or_reached_stops_no_other_of_its_bundle(harness: BundleHarness) -> None:
    harness.recipients.people["nameless"] = RecipientAddress("无地址")
    fine = await harness.waiting(5)
    await harness.edit()
    async with harness.database.begin() as connection:
        broken = Template(
            NoticeKind.PROGRESS, Language.ENGLISH, 0, "s", "{{ happened_at | instant }} {{ ticket_link }}"
        )
        await catalogue.put(connection, broken, by="s-1", zone=SENDER.zone, if_match=None)
    unwritable = await harness.submit(request(language="en", facts={"happened_at": 7}))
    unforeseen = await harness.submit(request(language="en", facts={"happened_at": "no instant", "urgency": "normal"}))
    nobody, unreached = (
        await harness.submit(request(recipient="nobody")),
        await harness.submit(request(recipient="nameless")),
    )
    async with harness.trying():
        await harness.until_all(fine, "sent")
        await harness.until_all([unwritable, unforeseen, nobody, unreached], "not_sent")
    ended = await harness.stands([unwritable, unforeseen, nobody, unreached])
    assert [row["not_sent_reason"] for row in ended] == [
        NotSentReason.UNWRITABLE,
        NotSentReason.UNWRITABLE,
        NotSentReason.UNKNOWN_RECIPIENT,
        NotSentReason.NO_ADDRESS,
    ]
    assert len(harness.carrier.letters) == 5


async def test_a_row_that_spoils_the_statement_for_all_is_alone_with_it(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, send = await harness.waiting(5), harness.carrier.send
    poison = rows[2]

    async def refuse(letter: Letter) -> None:
        if letter.key == poison["key"]:
            raise Undeliverable("no text of PostgreSQL holds \x00")
        await send(letter)

    monkeypatch.setattr(harness.carrier, "send", refuse)
    async with harness.trying():
        await harness.until_all([row for row in rows if row is not poison], "sent")
    assert (await harness.row(poison["key"]))["state"] == "waiting"


async def test_new_texts_count_from_the_next_bundle_on(harness: BundleHarness) -> None:
    async with harness.trying():
        first = await harness.submit(request())
        await harness.until_state(first, "sent")
        await harness.edit()
        second = await harness.submit(request())
        await harness.until_state(second, "sent")
    assert [row["template"] for row in await harness.stands([first, second])] == [
        "progress.zh-CN@0",
        "progress.zh-CN@1",
    ]


async def test_texts_are_kept_before_any_letter_goes_and_a_repeat_says_the_same(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, begun = await harness.waiting(6), asyncio.Event()
    send = harness.carrier.send

    async def die(_: Letter) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(harness.carrier, "send", die)
    async with harness.trying(hands=1):
        await begun.wait()
    kept = await harness.stands(rows)
    assert all(row["state"] == "waiting" and row["text"] and row["template"] == "progress.zh-CN@0" for row in kept)
    assert await harness.left_over() == 0
    monkeypatch.setattr(harness.carrier, "send", send)
    await harness.edit()
    await harness.expire_claims()
    assert await harness.left_over() == 6
    for row in rows:
        assert await harness.deliver(row) is NoticeState.SENT
    assert [row["text"] for row in await harness.stands(rows)] == [row["text"] for row in kept]
    assert not any("改过" in letter.text for letter in harness.carrier.letters)


async def test_a_process_that_dies_between_claim_and_texts_leaves_everything_to_workflows(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, asked = await harness.waiting(5), asyncio.Event()

    async def die(*_: object) -> Mapping[str, RecipientAddress]:
        asked.set()
        await asyncio.Event().wait()
        return {}

    with monkeypatch.context() as dying:
        dying.setattr(harness.recipients, "of", die)
        async with harness.trying():
            await asked.wait()
    assert all(row["text"] is None and row["workflow_from"] for row in await harness.stands(rows))
    assert await harness.left_over() == 0
    await harness.expire_claims()
    assert await harness.left_over() == 5
    for row in rows:
        assert await harness.deliver(row) is NoticeState.SENT
    assert len(harness.subjects()) == 5


async def test_what_went_before_the_end_was_written_goes_again_under_the_same_key(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, tried = await harness.waiting(4), asyncio.Event()

    async def away(*_: object) -> None:
        tried.set()
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(NoticeRecords, "end", away)
        async with harness.trying():
            await tried.wait()
    assert {row["state"] for row in await harness.stands(rows)} == {"waiting"}
    before = {letter.key: letter for letter in harness.carrier.letters}
    assert len(before) == len(harness.carrier.letters) == 4
    await harness.expire_claims()
    for row in rows:
        assert await harness.deliver(row) is NoticeState.SENT
    assert harness.carrier.letters[4:] == [before[row["key"]] for row in rows]


async def test_what_went_is_written_down_while_another_of_its_bundle_hangs(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, send = await harness.waiting(4), harness.carrier.send
    slow = rows[1]

    async def hang(letter: Letter) -> None:
        if letter.key == slow["key"]:
            await asyncio.Event().wait()
        await send(letter)

    monkeypatch.setattr(first_attempts, "TRY_SECONDS", 600)
    monkeypatch.setattr(harness.carrier, "send", hang)
    async with harness.trying(hands=2):
        await harness.until_all([row for row in rows if row is not slow], "sent")
    assert (await harness.row(slow["key"]))["state"] == "waiting"


async def test_what_finds_no_hand_in_time_is_tried_like_new(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, send, wake = await harness.waiting(3), harness.carrier.send, ClaimPool.wake
    gate, given_back = asyncio.Event(), asyncio.Event()

    async def wait(letter: Letter) -> None:
        await gate.wait()
        await send(letter)

    monkeypatch.setattr(first_attempts, "PLACE_SECONDS", 0.05)
    monkeypatch.setattr(first_attempts, "TRY_SECONDS", 600)
    monkeypatch.setattr(harness.carrier, "send", wait)

    def look_again(pool: ClaimPool[Any]) -> None:
        given_back.set()
        wake(pool)

    monkeypatch.setattr(ClaimPool, "wake", look_again)
    async with harness.trying(hands=1):
        await given_back.wait()
        gate.set()
        await harness.until_all(rows, "sent")
    assert sorted(harness.subjects()) == sorted(row["key"] for row in rows)
    assert await harness.left_over() == 0


async def test_an_alert_waits_behind_nothing_that_is_less_urgent(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, send, acquire = await harness.waiting(6), harness.carrier.send, PrecedenceSlots.acquire
    begun, queued, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait(letter: Letter) -> None:
        begun.set()
        await gate.wait()
        await send(letter)

    async def want(hands: PrecedenceSlots, precedence: int) -> None:
        if precedence == submission.Precedence.ALERT:
            queued.set()
        await acquire(hands, precedence)

    monkeypatch.setattr(first_attempts, "BUNDLE", 2)
    monkeypatch.setattr(first_attempts, "MOST_IN_FLIGHT", 4)
    monkeypatch.setattr(harness.carrier, "send", wait)
    monkeypatch.setattr(PrecedenceSlots, "acquire", want)
    harness.recipients.people["lin-tao"] = RecipientAddress("林涛", "lin@shop.example", "en")
    facts = {"kind": "fault", "urgency": "normal", "clock": "response", "cycle": 1}
    async with harness.trying(hands=1):
        await begun.wait()
        alert = await harness.submit(to_lin_tao(kind=NoticeKind.BREACH, texts={}, facts=facts))
        await queued.wait()
        assert sum(row["workflow_from"] is None for row in await harness.stands(rows)) == 2
        gate.set()
        await harness.until_all([*rows, alert], "sent")
    assert harness.subjects().index(alert["key"]) == 1


async def test_what_is_taken_back_between_claim_and_sending_does_not_go(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, of = await harness.waiting(3), harness.recipients.of

    async def cancel_first(*asked: Any) -> Mapping[str, RecipientAddress]:
        async with harness.database.begin() as connection:
            assert await submission.cancel(connection, rows[1]["key"]) == 1
        return await of(*asked)

    monkeypatch.setattr(harness.recipients, "of", cancel_first)
    async with harness.trying():
        await harness.until_all([rows[0], rows[2]], "sent")
    assert (await harness.row(rows[1]["key"]))["not_sent_reason"] == NotSentReason.CANCELLED
    assert sorted(harness.subjects()) == sorted([rows[0]["key"], rows[2]["key"]])


async def test_who_holds_one_of_a_bundle_holds_up_no_other(
    harness: BundleHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, of = await harness.waiting(3), harness.recipients.of
    claimed, held = asyncio.Event(), asyncio.Event()

    async def wait(*asked: Any) -> Mapping[str, RecipientAddress]:
        claimed.set()
        await held.wait()
        return await of(*asked)

    monkeypatch.setattr(harness.recipients, "of", wait)
    async with harness.trying():
        await claimed.wait()
        async with harness.database.begin() as connection:
            assert await submission.cancel(connection, rows[1]["key"]) == 1
            held.set()
            await harness.until_all([rows[0], rows[2]], "sent")
    assert (await harness.row(rows[1]["key"]))["not_sent_reason"] == NotSentReason.CANCELLED
    assert sorted(harness.subjects()) == sorted([rows[0]["key"], rows[2]["key"]])


async def test_a_first_try_that_comes_late_leaves_a_workflow_s_delivery_alone(harness: BundleHarness) -> None:
    row = await harness.submit(request())
    late = Delivery(harness.database, harness.recipients, harness.channels, SENDER)
    async with harness.database.begin() as connection:
        claimed = dict((await connection.execute(select(notices).where(notices.c.id == row["id"]))).mappings().one())
    await harness.deliver(row)
    assert await late.attempt_all([{**claimed, "hours_version": 0, "texts_version": 0}]) == []
    assert harness.subjects() == [row["key"]]


async def test_texts_in_the_inbox_are_written_with_their_end(harness: BundleHarness) -> None:
    harness.channels = (Inbox(for_customers=True),)
    rows = await harness.waiting(3)
    async with harness.trying():
        await harness.until_all(rows, "sent")
    assert {(row["channel"], row["tries"], row["template"]) for row in await harness.stands(rows)} == {
        ("inbox", 1, "progress.zh-CN@0")
    }


async def test_many_requests_are_taken_in_at_once_and_each_says_where_it_stands(harness: BundleHarness) -> None:
    sent = await harness.submit(request())
    await harness.deliver(sent)
    known = request(key=sent["key"])
    asked = [request(), known, request()]
    for _ in range(2):
        told = await submission.submit_all(harness.database, asked, first_attempts.CLAIMED_FOR)
        assert [told[each.key].state for each in asked] == [NoticeState.WAITING, NoticeState.SENT, NoticeState.WAITING]
    held = await harness.submit(NoticeDraft(request(), held=True))
    assert held["held"]


async def test_mistakes_of_a_bundle_end_no_other(harness: BundleHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts, failed = FirstAttempts(harness.database, harness.delivery, hands=2), asyncio.Event()

    async def fail(*_: object) -> None:
        failed.set()
        raise ZeroDivisionError

    row = await harness.submit(request())
    with monkeypatch.context() as broken:
        broken.setattr(Delivery, "attempt_all", fail)
        running = asyncio.create_task(attempts.run())
        await failed.wait()
    assert (await harness.row(row["key"]))["state"] == "waiting"
    other = await harness.submit(request())
    await harness.until_state(other, "sent")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
