"""`/f`: what a customer types becomes one ticket, whatever they press twice; nothing typed is lost (issue A2, 5)."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from tests.services.intake.harness import IntakeHarness
from tests.services.intake.page_client import REPORT, CustomerPageClient, hidden_fields, number_in, text_of


@pytest.fixture
def client(harness: IntakeHarness) -> CustomerPageClient:
    """韩梅梅."""
    return CustomerPageClient(harness.public)


async def filed(harness: IntakeHarness) -> list[dict[str, Any]]:
    """Every feedback: what was written, and whom it reached."""
    async with harness.intake.database.read() as connection:
        rows = await connection.execute(
            text("SELECT ticket_no, content, contact, kind, missing FROM intake.feedback ORDER BY ticket_no")
        )
        return [dict(row) for row in rows.mappings()]


async def sent(client: CustomerPageClient, **typed: str) -> httpx.Response:
    """The form with 韩梅梅's report, changed by `typed`."""
    page = await client.open("/f")
    return await client.send("/f", await client.fill(page, "/f", **{**REPORT, **typed}))


async def test_a_form_becomes_a_ticket_with_everything_that_was_typed(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    answer = await sent(
        client, safety="yes", occurred_on="2026-11-20", situation="早上", tried="断电重启", wish="repair",
        order_no="ORD1", purchased_on="2026-08-01", about="维修部", affected="3",
    )  # fmt: skip
    assert answer.status_code == 303
    [row] = await filed(harness)
    content = row["content"]
    assert answer.headers["Location"].startswith(f"/t/{row['ticket_no']}.1.")
    assert {name: content[name] for name in ("channel", "language", "kind", "description", "consent")} == {
        "channel": "web", "language": "zh-CN", "kind": "fault", "description": "冰箱不制冷", "consent": True
    }  # fmt: skip
    assert content["product"] == {
        "model": "BCD-500", "serial_no": "SER20230915002", "order_no": "ORD1", "purchased_on": "2026-08-01"
    }  # fmt: skip
    assert content["impact"] == {"safety_risk": True, "affected_count": 3}
    assert (content["already_tried"], content["desired_solution"], content["situation"]) == (
        "断电重启",
        "repair",
        "早上",
    )
    assert content["complaint_about"] == "维修部"
    # The day begins at midnight of the business time zone.
    assert content["occurred_at"] == "2026-11-19T16:00:00Z"
    assert row["contact"] == {"name": "韩梅梅", "phone": "+8613800138000"}


async def test_the_least_that_is_needed_is_enough_and_the_rest_is_asked_for_later(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    page = await client.open("/f")
    least = await client.fill(page, "/f", description="冰箱坏了", name="韩梅梅", contact="hmm@example.com")
    assert (await client.send("/f", least)).status_code == 303
    [row] = await filed(harness)
    assert row["contact"] == {"name": "韩梅梅", "email": "hmm@example.com"}
    assert "kind" not in row["content"]
    assert row["missing"] == ["product.order_no_or_serial_no"] or row["kind"] not in {"fault", "complaint"}


@pytest.mark.parametrize(
    ("query", "channel"),
    [("", "web"), ("?model=BCD-500&serial=SER1", "qr"), ("?model=BCD-500&serial=SER1&again=true", "web")],
)
async def test_a_label_fills_the_product_in_and_is_the_channel(
    harness: IntakeHarness, client: CustomerPageClient, query: str, channel: str
) -> None:
    page = await client.open(f"/f{query}")
    if query:
        assert 'value="BCD-500"' in page.text
        assert 'value="SER1"' in page.text
    await client.send("/f", await client.fill(page, "/f", **REPORT))
    assert [row["content"]["channel"] for row in await filed(harness)] == [channel]


async def test_a_double_tap_and_going_back_are_one_ticket(harness: IntakeHarness, client: CustomerPageClient) -> None:
    form = await client.fill(await client.open("/f"), "/f", **REPORT)
    answers = await asyncio.gather(*(client.send("/f", form) for _ in range(8)))
    answers.append(await client.send("/f", form))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(await filed(harness)) == 1


async def test_going_back_and_changing_the_words_leads_to_the_ticket_that_exists(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    form = await client.fill(await client.open("/f"), "/f", **REPORT)
    first = await client.send("/f", form)
    second = await client.send("/f", {**form, "description": "冰箱不制冷，还漏水"})
    assert second.status_code == 303
    assert second.headers["Location"] == first.headers["Location"]
    [row] = await filed(harness)
    assert row["content"]["description"] == "冰箱不制冷"


async def test_two_forms_are_two_tickets(harness: IntakeHarness, client: CustomerPageClient) -> None:
    assert len({number_in(await client.report()), number_in(await client.report())}) == 2
    assert len(await filed(harness)) == 2


@pytest.mark.parametrize(
    ("field", "typed", "zh", "en"),
    [
        ("description", " \n ", "请填写", "please fill this in"),
        ("description", "\u200b\n\ufeff", "请填写", "please fill this in"),
        ("description", "x" * 20_001, "太长了", "too long"),
        ("name", "", "请填写", "please fill this in"),
        ("name", "\u200b\u3164", "请填写", "please fill this in"),
        ("name", "张三\n\n点击\nhttps://evil.example/x\n\n客户", "只写名称", "just the name"),
        ("about", "www.evil.example", "只写名称", "just the name"),
        ("contact", "", "请填写", "please fill this in"),
        ("contact", "12", "手机号", "phone number"),
        ("contact", "not a phone", "手机号", "phone number"),
        ("contact", "1380013800", "11 位", "11 digits"),
        ("contact", "2345 6789", "区号", "area code"),
        ("contact", "@", "邮箱", "e-mail"),
        ("contact", "hmm@@example", "邮箱", "e-mail"),
        ("serial_no", "S" * 101, "太长了", "too long"),
        ("occurred_on", "昨天", "日期", "a date"),
        ("occurred_on", "0001-01-01", "日期", "a date"),
        ("occurred_on", "9999-12-31", "在将来", "in the future"),
        ("purchased_on", "2026-02-30", "日期", "a date"),
        ("affected", "很多", "数字", "a number"),
        ("affected", "-1", "数字", "a number"),
        ("affected", "9" * 400, "数字", "a number"),
        ("wish", "money", "检查", "check this"),
        ("kind", "wish", "检查", "check this"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_in_the_reader_s_language_and_what_was_typed_stays(
    harness: IntakeHarness, field: str, typed: str, zh: str, en: str
) -> None:
    for language, words in (("zh-CN", zh), ("en", en)):
        client = CustomerPageClient(harness.public, Accept_Language=language)
        answer = await sent(client, **{field: typed, "tried": "断电 <重启>"})
        assert answer.status_code == 422
        assert answer.headers["Content-Language"] == language
        said = re.search(rf'id="e-{field}">([^<]*)<', answer.text)
        assert said, text_of(answer.text)
        assert words in said[1]
        assert "断电 &lt;重启&gt;" in answer.text
    assert await filed(harness) == []


async def test_short_texts_are_kept_as_one_visible_line(harness: IntakeHarness, client: CustomerPageClient) -> None:
    typed = {"name": "韩\u202e梅\n梅", "model": "BCD\u2028500\x07", "serial_no": "\u200b", "about": "维\u200b修\t部"}
    assert (await sent(client, **typed)).status_code == 303
    [row] = await filed(harness)
    assert row["contact"]["name"] == "韩梅 梅"
    assert row["content"]["product"] == {"model": "BCD 500"}
    assert row["content"]["complaint_about"] == "维修 部"
    assert "product.order_no_or_serial_no" in row["missing"]


async def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_form(client: CustomerPageClient) -> None:
    answer = await sent(client, description="", name="", contact="1", affected="x", occurred_on="x")
    listed = re.findall(r'<a href="#f-(\w+)">', answer.text)
    assert listed == ["description", "name", "contact", "occurred_on", "affected"]
    assert answer.text.count("autofocus") == 1
    assert '<details class="more" open>' in answer.text


async def test_a_form_that_came_back_keeps_its_key(harness: IntakeHarness, client: CustomerPageClient) -> None:
    page = await client.open("/f")
    wrong = await client.send("/f", await client.fill(page, "/f", **{**REPORT, "name": ""}))
    assert hidden_fields(wrong.text, "/f")["key"] == hidden_fields(page.text, "/f")["key"]
    assert (await client.send("/f", await client.fill(wrong, "/f", **REPORT))).status_code == 303
    assert len(await filed(harness)) == 1


async def test_the_form_opens_in_both_languages_and_the_choice_is_remembered(harness: IntakeHarness) -> None:
    client = CustomerPageClient(harness.public, Accept_Language="fr")
    assert "反馈问题" in (await client.open("/f")).text
    assert "Tell us what happened" in (await client.open("/f?lang=en")).text
    assert "Tell us what happened" in (await client.open("/f")).text
    answer = await sent(client)
    assert answer.status_code == 303
    [row] = await filed(harness)
    assert row["content"]["language"] == "en"


async def test_opening_the_form_registers_nothing(harness: IntakeHarness, client: CustomerPageClient) -> None:
    for _ in range(3):
        assert (await client.open("/f?model=x")).status_code == 200
    assert await filed(harness) == []


async def test_the_next_page_tells_the_number_and_the_promised_times_even_without_the_workflow_service(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    await harness.receiver.stop()
    answer = await sent(client)
    page = await client.open(answer.headers["Location"])
    [row] = await filed(harness)
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    assert "已收到您的反馈" in page.text
    assert row["ticket_no"] in text_of(page.text)
    assert "已经登记" in page.text


async def test_what_was_done_is_told_once_and_the_address_stays_clean(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    await harness.receiver.stop()
    answer = await sent(client)
    address = answer.headers["Location"]
    assert "?" not in address
    assert "已收到您的反馈" in (await client.open(address)).text
    assert "已收到您的反馈" not in (await client.open(address)).text


async def test_an_old_bookmark_and_a_link_with_a_full_stop_lead_to_the_clean_address(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    address = (await harness.register())["links"]["ticket"].removeprefix("http://bihuan.example")
    for spelling, leads_to in (
        (f"{address}?done=received", address),
        (f"{address}?done=received&lang=en", f"{address}?lang=en"),
        (f"{address}。", address),
        (f"{address})", address),
        (f"{address}.?lang=en", f"{address}?lang=en"),
    ):
        answer = await client.open(spelling)
        assert (answer.status_code, answer.headers["Location"]) == (303, leads_to), spelling


async def test_the_page_s_link_is_the_one_that_the_api_answers(
    harness: IntakeHarness, client: CustomerPageClient
) -> None:
    made = await harness.register()
    link = made["links"]["ticket"]
    assert link.startswith("http://bihuan.example/t/")
    await harness.receiver.stop()
    assert (await client.open(link.removeprefix("http://bihuan.example"))).status_code == 503


async def test_an_instant_of_today_is_no_future(harness: IntakeHarness, client: CustomerPageClient) -> None:
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    assert (await sent(client, occurred_on=today.isoformat())).status_code == 303
    late = (datetime.now(UTC) + timedelta(days=3)).date()
    assert (await sent(client, occurred_on=late.isoformat())).status_code == 422
