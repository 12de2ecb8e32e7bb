"""Rules of every channel, and e-mail towards a real mail server."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default
from typing import Any

import pytest
from pydantic import SecretStr

from services.contracts.notice import Audience, NoticeChannel
from services.notify.notices.channels.base import ChannelAdapter, DeliveryDeferred, Undeliverable
from services.notify.notices.channels.email import Email, compose
from services.notify.notices.channels.inbox import Inbox
from services.notify.notices.letter import House, Letter, Placeholders, html_of
from services.notify.notices.vocabulary import Language
from services.notify.settings import NotifySettings, SmtpSecurity
from tests.ports import free_port
from tests.services.notify.mail_server import MailServer, mail_server, text_of

TEXT = "韩梅梅，您好：\n\n- 受理：不晚于 2026年11月20日（周五）14:30\n\n查看进展：\nhttps://service.example/t/1"
LETTER = Letter(
    key="journal/20261120001/1/received/c-1",
    audience=Audience.CUSTOMER,
    language=Language.CHINESE,
    subject="已收到您的反馈：20261120001",
    text=TEXT,
    html=html_of(
        "已收到您的反馈",
        TEXT,
        Placeholders(Language.CHINESE, links={"ticket": "https://service.example/t/1"}),
        House("售后服务中心"),
    ),
    to_name="韩梅梅",
    to_email="han@customer.example",
)


def settings(port: int, **changes: Any) -> NotifySettings:
    """The mail server on this port."""
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": SmtpSecurity.NONE,
              "smtp_from": "service@shop.example", "smtp_seconds": 2, **changes}  # fmt: skip
    return NotifySettings(**values)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(params=list(NoticeChannel))
def channel(request: pytest.FixtureRequest, server: MailServer) -> ChannelAdapter:
    """Every channel that there is, ready to send."""
    channels: dict[NoticeChannel, ChannelAdapter] = {
        NoticeChannel.INBOX: Inbox(for_customers=True),
        NoticeChannel.EMAIL: Email(settings(server.port)),
    }
    return channels[request.param]


async def test_a_channel_takes_a_letter_that_it_reaches_and_takes_it_again(channel: ChannelAdapter) -> None:
    assert channel.reaches(LETTER.audience, LETTER.to_email)
    await channel.send(LETTER)
    await channel.send(LETTER)


async def test_a_channel_carries_every_letter_of_a_text(channel: ChannelAdapter) -> None:
    await channel.send(replace(LETTER, text="𠮷 🧊 \u202e \u2066 é\x0b\n" * 50, subject="🧊" * 300, to_name="𠮷" * 300))


async def test_the_inbox_is_no_way_to_a_customer_once_there_are_others() -> None:
    inbox = Inbox(for_customers=False)
    assert not inbox.reaches(Audience.CUSTOMER, LETTER.to_email)
    assert inbox.reaches(Audience.STAFF, None)


async def test_a_mail_needs_an_address(server: MailServer) -> None:
    assert not Email(settings(server.port)).reaches(Audience.CUSTOMER, None)


async def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    await Email(settings(server.port, smtp_from_name="售后服务中心", smtp_reply_to="ask@shop.example")).send(LETTER)
    (mail,) = server.mails
    assert str(mail["Subject"]) == LETTER.subject
    assert str(mail["To"]) == "韩梅梅 <han@customer.example>"
    assert str(mail["From"]) == "售后服务中心 <service@shop.example>"
    assert mail["Reply-To"] == "ask@shop.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "<notices.shop.example>"
    assert mail["Content-Language"] == "zh-CN"
    assert mail["Importance"] is None
    assert mail.get_content_type() == "multipart/alternative"
    assert text_of(mail).rstrip("\n") == TEXT
    assert "https://service.example/t/1" in text_of(mail, "html")


async def test_an_urgent_mail_says_so(server: MailServer) -> None:
    await Email(settings(server.port)).send(replace(LETTER, urgent=True))
    assert server.mails[0]["Importance"] == "high"


async def test_a_repeat_carries_the_same_message_id_and_another_notice_another(server: MailServer) -> None:
    email = Email(settings(server.port))
    for letter in (LETTER, LETTER, replace(LETTER, key="other")):
        await email.send(letter)
    first, second, other = (mail["Message-ID"] for mail in server.mails)
    assert first == second != other
    assert first.endswith("@shop.example>")
    assert "20261120001" not in first


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y.example", "a\nb", "a\x00b", "a\u2028b", "\u202eabc"])
def test_nothing_gets_out_of_its_header(value: str) -> None:
    content = compose(replace(LETTER, subject=value, to_name=value), settings(25)).content
    assert b"\nBcc:" not in content
    mail = message_from_bytes(content, policy=default)
    assert mail["Bcc"] is None
    assert mail["To"].addresses[0].addr_spec == "han@customer.example"


HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "List-Id",
           "Content-Language", "Content-Type", "MIME-Version"}  # fmt: skip
ENCODED = ("=?utf-8?q?Hi=0D=0AReply-To:_thief@evil.example=0D=0A=0D=0Atext?=", "=?UTF-8?B?SGkNClJlcGx5LVRvOiBhQGI=?=",
           "a =?iso-8859-1?q?=0A?= b", "=?utf-8?q?half", '"=?utf-8?q?=0D=0AX:_y?=" <x@y.example>',
           "=?x?x?x?=")  # fmt: skip


@pytest.mark.parametrize("typed", ENCODED)
@pytest.mark.parametrize("script", ["", "韩"])
def test_encoded_words_that_were_typed_stay_text_in_every_header(typed: str, script: str) -> None:
    value = typed + script
    mail = compose(
        replace(LETTER, subject=value, to_name=value), settings(25, organisation=value)
    ).content  # fmt: skip
    head = mail.partition(b"\r\n\r\n")[0].decode("ascii")
    assert {line.partition(":")[0] for line in head.split("\r\n") if line[:1] != " "} == HEADERS
    assert max(map(len, head.split("\r\n"))) <= 78
    # Read as any program does, word for word and by nobody's header classes.
    raw = message_from_bytes(mail, policy=compat32)
    assert str(make_header(decode_header(raw["Subject"]))) == value
    for name in ("To", "From"):
        phrase, _, address = raw[name].rpartition(" ")
        assert str(make_header(decode_header(phrase))) == value
        assert re.fullmatch(r"<[a-z]+@[a-z.]+>", address)


@pytest.mark.parametrize(
    "name", ["Li Lei", 'Li "the" \\ Lei', "Lei, Li <x@y.example>", "\U00031350\U0001fae8", "𠮷" * 130]
)
async def test_a_name_of_any_script_arrives_as_it_is(server: MailServer, name: str) -> None:
    await Email(settings(server.port)).send(replace(LETTER, to_name=name, subject=name))
    (mail,) = server.mails
    # Python's header classes put a space between the encoded words of a long name, which no mail program does.
    assert mail["To"].addresses[0].display_name.replace("𠮷 ", "𠮷") == name[:120]
    assert mail["To"].addresses[0].addr_spec == "han@customer.example"
    assert str(mail["Subject"]) == name


def test_notices_come_from_the_service_centre_unless_they_have_a_name_of_their_own() -> None:
    assert settings(25).sender_name == "售后服务中心 Service Centre"
    assert settings(25, organisation="海风\n家电").sender_name == "海风 家电"
    assert settings(25, organisation="海风家电", smtp_from_name="海风客服").sender_name == "海风客服"


@pytest.mark.parametrize(
    "address",
    [
        "no address",
        "a@b\r\nBcc: c@d.example",
        "",
        "@",
        "a@b@c",
        "韩 梅@customer.example",
        "\ud800@b.example",
        "\u202e@b.example",
        "\u200b@b.example",
        "a..b@c.example",
        ".a@c.example",
        "a" * 65 + "@c.example",
        "a@b_c.example",
    ],
)
def test_an_address_that_no_mail_can_carry_is_undeliverable(address: str) -> None:
    with pytest.raises(Undeliverable) as refused:
        compose(replace(LETTER, to_email=address), settings(25))
    assert refused.value.code == "unwritable"


async def test_an_address_in_any_script_gets_its_mail(server: MailServer) -> None:
    for address in ("韩.梅梅@例子.cn", "\U00031350🫨@\u9fff.cn", "é@customer.example"):
        await Email(settings(server.port)).send(replace(LETTER, to_email=address))
    assert server.recipients == ["韩.梅梅@xn--fsqu00a.cn", "\U00031350🫨@xn--vl7a.cn", "é@customer.example"]
    mail = server.mails[0]
    assert mail["Subject"] == LETTER.subject
    assert LETTER.text.strip() in text_of(mail)


async def test_a_server_that_takes_no_such_address_makes_it_undeliverable(server: MailServer) -> None:
    server.utf8 = False
    with pytest.raises(Undeliverable) as refused:
        await Email(settings(server.port)).send(replace(LETTER, to_email="韩@customer.example"))
    assert refused.value.code == "smtputf8_unsupported"
    await Email(settings(server.port)).send(LETTER)
    assert server.recipients == [LETTER.to_email]


async def test_a_text_that_no_mail_can_carry_is_undeliverable() -> None:
    with pytest.raises(Undeliverable):
        compose(replace(LETTER, text="\ud800"), settings(25))


@pytest.mark.parametrize("answer", ["450 busy", "451 later", "452 full"])
async def test_a_passing_refusal_is_tried_again(server: MailServer, answer: str) -> None:
    email = Email(settings(server.port))
    server.at_recipient.append(answer)
    with pytest.raises(DeliveryDeferred) as refused:
        await email.send(LETTER)
    assert refused.value.code == f"smtp_{answer[:3]}"
    server.at_data.append(answer)
    with pytest.raises(DeliveryDeferred):
        await email.send(LETTER)
    await email.send(LETTER)
    assert len(server.mails) == 1


@pytest.mark.parametrize("answer", ["550 no such user", "552 too large", "554 no"])
async def test_a_lasting_refusal_is_final(server: MailServer, answer: str) -> None:
    email = Email(settings(server.port))
    server.at_recipient.append(answer)
    with pytest.raises(Undeliverable) as refused:
        await email.send(LETTER)
    assert refused.value.code == f"smtp_{answer[:3]}"
    server.at_data.append(answer)
    with pytest.raises(Undeliverable):
        await email.send(LETTER)


async def test_a_server_that_wants_a_sign_in_first_is_a_setting_to_mend(server: MailServer) -> None:
    server.at_recipient.append("530 sign in first")
    with pytest.raises(DeliveryDeferred):
        await Email(settings(server.port)).send(LETTER)


async def test_what_the_server_cannot_do_is_a_setting_to_mend(server: MailServer) -> None:
    with pytest.raises(DeliveryDeferred):
        await Email(settings(server.port, smtp_security=SmtpSecurity.STARTTLS)).send(LETTER)
    signed_in = settings(server.port, smtp_username="u", smtp_password=SecretStr("p"))
    with pytest.raises(DeliveryDeferred):
        await Email(signed_in).send(LETTER)


async def test_a_server_that_is_not_there_is_tried_again(server: MailServer) -> None:
    await server.stop()
    with pytest.raises(DeliveryDeferred) as refused:
        await Email(settings(server.port)).send(LETTER)
    assert "127.0.0.1" not in refused.value.code


async def test_a_server_that_says_nothing_is_left_after_the_set_time() -> None:
    port, open_connections = free_port(), []
    silent = await asyncio.start_server(lambda _, writer: open_connections.append(writer), "127.0.0.1", port)
    try:
        with pytest.raises(DeliveryDeferred):
            await Email(settings(port, smtp_seconds=0.2)).send(LETTER)
    finally:
        for writer in open_connections:
            writer.close()
        silent.close()
