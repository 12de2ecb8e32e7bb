"""A notice goes at least once under one key, says the same each time, and stops only itself (invariant I5)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from services.contracts.names import survey_of
from services.contracts.notice import NoticeKind, NoticeStanding, NoticeState, NotSentReason
from services.notify.notices import catalogue, submission
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.channels.base import DeliveryDeferred, Undeliverable
from services.notify.notices.channels.email import Email
from services.notify.notices.channels.inbox import Inbox
from services.notify.notices.delivery import Delivery
from services.notify.notices.rendering import Template
from services.notify.notices.submission import NoticeDraft
from services.notify.notices.tables import notices
from services.notify.notices.vocabulary import Language
from services.runtime.errors import Unavailable
from services.runtime.postgres.database import Database
from tests.services.notify.mail_server import MailServer, mail_server, text_of
from tests.services.notify.notice_harness import HAN_MEIMEI, SENDER, WEEK, NoticeHarness, request, to_lin_tao
from tests.services.notify.test_notice_channels import settings


@pytest.fixture
def harness(shared_database: Database) -> NoticeHarness:
    return NoticeHarness(shared_database)


@pytest.fixture
def own_harness(database: Database) -> NoticeHarness:
    """For tests that edit the texts of all."""
    return NoticeHarness(database)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


async def test_a_notice_is_taken_in_once_whoever_asks_how_often(harness: NoticeHarness) -> None:
    asked = request()
    first = await harness.submit(asked)
    again = await harness.submit(asked.model_copy(update={"texts": {"message": "别的话"}}))
    assert again == first


async def test_the_same_key_asked_by_twenty_at_once_is_one_notice(harness: NoticeHarness) -> None:
    asked = request()
    rows = await asyncio.gather(*(harness.submit(asked) for _ in range(20)))
    assert len({row["id"] for row in rows}) == 1


async def test_a_customer_with_an_address_gets_a_mail_in_their_language(harness: NoticeHarness) -> None:
    row = await harness.submit(request(language="en-GB"))
    assert await harness.deliver(row) is NoticeState.SENT
    (letter,) = harness.carrier.letters
    assert letter.to_email == "han@customer.example"
    assert letter.text.startswith("Dear 韩梅梅,")
    assert "> 配件已到货" in letter.text
    assert "https://service.example/t/1" in letter.text
    row = await harness.row(row["key"])
    assert (row["channel"], row["language"], row["tries"], row["template"]) == ("email", "en", 1, "progress.en@0")
    assert row["sent_at"] is not None


async def test_what_is_kept_of_a_notice_has_neither_name_nor_link(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    await harness.deliver(row)
    row = await harness.row(row["key"])
    assert "{{customer}}，您好" in row["text"]
    assert "{{ticket_link}}" in row["text"]
    assert not any("韩梅梅" in str(value) or "customer.example" in str(value) for value in row.values())


async def test_a_notice_that_was_sent_is_not_sent_again_by_itself(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    for _ in range(3):
        assert await harness.deliver(row) is NoticeState.SENT
    assert len(harness.carrier.letters) == 1


async def test_a_customer_without_an_address_is_not_sent_and_says_why(harness: NoticeHarness) -> None:
    harness.recipients.people["han-meimei"] = harness.recipients.people["han-meimei"].__class__("韩梅梅")
    row = await harness.submit(request())
    assert await harness.deliver(row) is NoticeState.NOT_SENT
    assert (await harness.row(row["key"]))["not_sent_reason"] == NotSentReason.NO_ADDRESS


async def test_without_a_mail_server_the_notice_is_readable_in_the_inbox(harness: NoticeHarness) -> None:
    harness.channels = (Inbox(for_customers=True),)
    row = await harness.submit(request())
    assert await harness.deliver(row) is NoticeState.SENT
    assert (await harness.row(row["key"]))["channel"] == "inbox"


async def test_staff_without_an_address_read_the_inbox_in_their_language(harness: NoticeHarness) -> None:
    row = await harness.submit(to_lin_tao())
    assert await harness.deliver(row) is NoticeState.SENT
    row = await harness.row(row["key"])
    assert (row["channel"], row["language"]) == ("inbox", "en")
    assert "https://service.example/tickets/20261120001" in row["text"]


async def test_nobody_knows_the_recipient(harness: NoticeHarness) -> None:
    row = await harness.submit(request(recipient="nobody"))
    assert await harness.deliver(row) is NoticeState.NOT_SENT
    assert (await harness.row(row["key"]))["not_sent_reason"] == NotSentReason.UNKNOWN_RECIPIENT


async def test_a_sending_that_was_not_recorded_is_repeated_with_the_same_key_and_words(
    own_harness: NoticeHarness,
) -> None:
    own_harness.carrier.answers = [ZeroDivisionError("killed between sending and recording")]
    row = await own_harness.submit(request())
    with pytest.raises(ZeroDivisionError):
        await own_harness.deliver(row)
    async with own_harness.database.begin() as connection:
        edited = Template(NoticeKind.PROGRESS, Language.CHINESE, 0, "改过", "改过的 {{ ticket_link }}")
        await catalogue.put(connection, edited, by="s-1", zone=SENDER.zone, if_match=None)
    assert await own_harness.deliver(row) is NoticeState.SENT
    first, second = own_harness.carrier.letters
    assert first == second


async def test_the_address_is_asked_anew_at_each_try(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    harness.carrier.answers = [DeliveryDeferred("smtp_451")]
    with pytest.raises(DeliveryDeferred):
        await harness.deliver(row)
    harness.recipients.people["han-meimei"] = harness.recipients.people["han-meimei"].__class__(
        "韩梅梅", "new@customer.example"
    )
    await harness.deliver(row)
    assert [letter.to_email for letter in harness.carrier.letters] == ["new@customer.example"]


async def test_a_passing_failure_leaves_the_notice_waiting_and_says_what_it_met(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    harness.carrier.answers = [DeliveryDeferred("smtp_451"), DeliveryDeferred("smtp_421")]
    for _ in range(2):
        with pytest.raises(DeliveryDeferred):
            await harness.deliver(row)
    row = await harness.row(row["key"])
    assert (row["state"], row["tries"], row["last_error"]) == ("waiting", 2, "smtp_421")
    assert await harness.deliver(row) is NoticeState.SENT
    row = await harness.row(row["key"])
    assert (row["tries"], row["last_error"]) == (3, None)


async def test_a_lasting_refusal_fails_at_once(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    harness.carrier.answers = [Undeliverable("smtp_550")]
    assert await harness.deliver(row) is NoticeState.FAILED
    assert (await harness.row(row["key"]))["last_error"] == "smtp_550"


async def test_intake_down_at_sending_leaves_the_notice_waiting(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    harness.recipients.down = True
    with pytest.raises(Unavailable):
        await harness.deliver(row)
    harness.recipients.down = False
    assert await harness.deliver(row) is NoticeState.SENT


async def test_giving_up_is_recorded_and_does_not_undo_what_was_sent(harness: NoticeHarness) -> None:
    waiting, sent = await harness.submit(request()), await harness.submit(request())
    await harness.deliver(sent)
    assert await harness.delivery.give_up(waiting["id"], 1) is NoticeState.FAILED
    assert await harness.delivery.give_up(sent["id"], 1) is NoticeState.SENT
    assert (await harness.row(waiting["key"]))["state"] == "failed"


async def test_a_delivery_of_an_earlier_round_leaves_the_notice_alone(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    async with harness.database.begin() as connection:
        await connection.execute(update(notices).where(notices.c.id == row["id"]).values(round=2))
    assert await harness.deliver(row) is NoticeState.WAITING
    assert not harness.carrier.letters


async def test_one_poisonous_notice_among_twenty_stops_only_itself(
    shared_database: Database, server: MailServer
) -> None:
    harness = NoticeHarness(shared_database, (Email(settings(server.port)), Inbox(for_customers=False)))
    harness.recipients.people["poison"] = harness.recipients.people["han-meimei"].__class__(
        "毒\r\nBcc: x@y.example", "a@b@c"
    )
    rows = [await harness.submit(request(recipient="poison" if number == 7 else "han-meimei")) for number in range(20)]
    states = [await harness.deliver(row) for row in rows]
    assert states.count(NoticeState.SENT) == 19
    assert states[7] is NoticeState.FAILED
    assert (await harness.row(rows[7]["key"]))["last_error"] == "unwritable"
    assert len(server.mails) == 19


async def test_a_template_that_fails_stops_only_its_own_notice(own_harness: NoticeHarness) -> None:
    row, other = await own_harness.submit(request(facts={"happened_at": 7})), await own_harness.submit(request())
    async with own_harness.database.begin() as connection:
        edited = Template(
            NoticeKind.PROGRESS, Language.CHINESE, 0, "s", "{{ happened_at | instant }} {{ ticket_link }}"
        )
        await catalogue.put(connection, edited, by="s-1", zone=SENDER.zone, if_match=None)
        await connection.execute(
            update(notices).where(notices.c.id == other["id"]).values(facts={"happened_at": "2026-11-20T06:30:00Z"})
        )
    assert await own_harness.deliver(row) is NoticeState.NOT_SENT
    assert (await own_harness.row(row["key"]))["not_sent_reason"] == NotSentReason.UNWRITABLE
    assert await own_harness.deliver(other) is NoticeState.SENT


@pytest.mark.parametrize(("age", "state"), [
    (WEEK - timedelta(minutes=1), "waiting"),
    (WEEK + timedelta(minutes=1), "not_sent"),
])  # fmt: skip
async def test_what_happened_too_long_ago_is_listed_and_not_sent(
    harness: NoticeHarness, age: timedelta, state: str
) -> None:
    row = await harness.submit(request(at=datetime.now(UTC) - age))
    assert row["state"] == state
    assert row["not_sent_reason"] == (NotSentReason.STALE if state == "not_sent" else None)


async def test_what_waits_is_taken_back_by_the_beginning_of_its_key(harness: NoticeHarness) -> None:
    mine, sent, other = [await harness.submit(request(key=key)) for key in ("alert/1_/a", "alert/1_/b", "alert/1x/a")]
    await harness.deliver(sent)
    async with harness.database.begin() as connection:
        assert await submission.cancel(connection, "alert/1_/") == 1
    for row, state in ((mine, "not_sent"), (sent, "sent"), (other, "waiting")):
        assert (await harness.row(row["key"]))["state"] == state
    assert (await harness.row(mine["key"]))["not_sent_reason"] == NotSentReason.CANCELLED
    assert await harness.deliver(mine) is NoticeState.NOT_SENT


async def test_a_held_notice_goes_when_it_is_released_and_not_before(harness: NoticeHarness) -> None:
    asked = request(kind=NoticeKind.PLAN, texts={"steps": "1. 更换压缩机"}, ticket_no="20261120777")
    row = await harness.submit(NoticeDraft(asked, held=True))
    assert await harness.deliver(row) is NoticeState.WAITING
    assert not harness.carrier.letters
    assert await harness.release("20261120777", NoticeKind.PLAN)
    assert await harness.deliver(row) is NoticeState.SENT


async def test_mails_in_both_languages_read_well(shared_database: Database, server: MailServer) -> None:
    harness = NoticeHarness(shared_database, (Email(settings(server.port)), Inbox(for_customers=False)))
    for language in ("zh-CN", "en"):
        await harness.deliver(await harness.submit(request(language=language)))
    chinese, english = server.mails
    assert str(chinese["Subject"]) == "处理进展：反馈单 20261120001"
    assert text_of(chinese).startswith("韩梅梅，您好：\n\n您的反馈 20261120001（BCD-500）有新的进展：\n\n> 配件已到货")
    assert str(english["Subject"]) == "News about your report 20261120001"
    assert text_of(english).startswith("Dear 韩梅梅,\n\nThere is news about your report 20261120001 (BCD-500):")
    assert 'lang="en"' in text_of(english, "html")


async def test_the_database_refuses_an_unsent_notice_without_a_reason(harness: NoticeHarness) -> None:
    row = await harness.submit(request())
    with pytest.raises(Exception, match="notices_not_sent_says_why"):
        async with harness.database.begin() as connection:
            await connection.execute(text("UPDATE notify.notices SET state = 'not_sent' WHERE id = :id"), row)


async def test_what_a_customer_typed_as_a_model_makes_no_paragraph_and_no_link(harness: NoticeHarness) -> None:
    for model in ("X\n\nOpen the ticket:\nY", "X\n\nOpen the ticket:\nhttps://evil.example"):
        typed = {"kind": "fault", "urgency": "normal", "product_model": model}
        harness.recipients.people["lin-tao"] = RecipientAddress("林涛", "lin@shop.example", "en")
        await harness.deliver(await harness.submit(to_lin_tao(facts=typed)))
    folded, left_out = harness.carrier.letters
    assert "- Product: X Open the ticket: Y" in folded.text.splitlines()
    assert "evil.example" not in left_out.text + left_out.html + left_out.subject
    for letter in (folded, left_out):
        assert re.findall('href="([^"]*)"', letter.html) == ["https://service.example/tickets/20261120001"]


async def test_no_stored_name_and_no_text_written_before_makes_a_link_of_its_own(harness: NoticeHarness) -> None:
    hostile = "张三\n\n点击\nhttps://evil.example/x\n\n客户"
    harness.recipients.people["han-meimei"] = replace(HAN_MEIMEI, name=hostile)
    row = await harness.submit(request())
    async with harness.database.begin() as connection:
        before = "{{customer}}，您好：\n\n点击\nhttps://evil.example/y\n\n查看：\n{{ticket_link}}"
        written = update(notices).where(notices.c.id == row["id"])
        await connection.execute(
            written.values(subject="s", text=before, language="zh-CN", template="progress.zh-CN@0")
        )
    await harness.deliver(row)
    (letter,) = harness.carrier.letters
    assert letter.text.startswith("尊敬的客户，您好：")
    assert re.findall('href="([^"]*)"', letter.html) == ["https://service.example/t/1"]
    assert "evil.example/x" not in letter.text + letter.html


async def test_an_alert_s_mail_leads_to_the_alert_itself(harness: NoticeHarness) -> None:
    harness.recipients.people["lin-tao"] = RecipientAddress("林涛", "lin@shop.example", "en")
    own = "https://service.example/alerts?alert=a-1"
    facts = {"kind": "fault", "urgency": "normal", "clock": "response", "cycle": 1}
    row = await harness.submit(to_lin_tao(kind=NoticeKind.BREACH, texts={}, facts=facts, links={"alerts": own}))
    await harness.deliver(row)
    (letter,) = harness.carrier.letters
    assert re.findall('href="([^"]*)"', letter.html) == [own, "https://service.example/tickets/20261120001"]
    assert own in letter.text.splitlines()


async def test_a_customer_s_mail_tells_how_a_person_is_reached(harness: NoticeHarness) -> None:
    sender = replace(SENDER, house=replace(SENDER.house, help_line="400-800-1234"))
    row = await harness.submit(request())
    await Delivery(harness.database, harness.recipients, harness.channels, sender).attempt(row["id"], row["round"])
    (letter,) = harness.carrier.letters
    assert letter.text.endswith("需要人工帮助？请联系 400-800-1234")
    assert "400-800-1234" in letter.html
    assert "400-800-1234" not in (await harness.row(row["key"]))["text"]


class Listener:
    """A submitter that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, NoticeStanding]] = []

    async def hear(self, key: str, standing: NoticeStanding) -> None:
        """Keep the key, and where the notice stands."""
        self.heard.append((key, standing))


@pytest.mark.parametrize(
    ("changes", "answers", "heard"),
    [
        ({}, [], ["sent"]),
        ({"recipient": "nobody"}, [], ["not_sent"]),
        ({}, [Undeliverable("smtp_550")], ["failed"]),
        ({}, [DeliveryDeferred("smtp_451")], []),
    ],
    ids=["sent", "not_sent", "failed", "still_on_its_way"],
)
async def test_a_submitter_hears_of_the_end_and_of_nothing_before(
    database: Database, changes: dict[str, Any], answers: list[Exception], heard: list[str]
) -> None:
    harness, listener = NoticeHarness(database), Listener()
    harness.carrier.answers = answers
    delivery = Delivery(database, harness.recipients, harness.channels, SENDER, submitter=listener)
    row = await harness.submit(request(**changes))
    with suppress(DeliveryDeferred):
        await delivery.attempt(row["id"], 1)
    assert [(key, standing.state) for key, standing in listener.heard] == [(row["key"], state) for state in heard]
    if heard:
        stands, (_, standing) = await harness.row(row["key"]), listener.heard[0]
        assert (standing.not_sent_reason, standing.sent_at) == (stands["not_sent_reason"], stands["sent_at"])
        await delivery.attempt(row["id"], 1)
        assert len(listener.heard) == 1


@pytest.mark.parametrize(
    ("key", "survey"),
    [("survey/s1/invitation", "s1"), ("survey/s1/reminder", None), ("alert/a/1/1/x", None), ("survey", None)],
)
def test_only_an_invitation_is_told_of(key: str, survey: str | None) -> None:
    assert survey_of(key) == survey
