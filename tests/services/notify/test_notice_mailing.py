"""From a step on a ticket to the mail in the customer's mailbox, with every service and a mail server running."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment

from services.contracts.names import WORKFLOW_NOTICE
from tests.replay.recordings import strings
from tests.services.notify.mail_server import MailServer, mail_server, text_of
from tests.services.system import System, running, until

NAMESPACE = "mailing"
NAME, EMAIL, PHONE = "金丝雀乙", "canary.two@feather.example", "+8613755505678"


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
async def mailing(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
    server: MailServer,
) -> AsyncIterator[System]:
    """A Bihuan of its own with a mail server."""
    address = engine.client.service_client.config.target_host
    async with (
        fresh_database() as url,
        running(
            url,
            address,
            tmp_path_factory.mktemp("mailing"),
            namespace=NAMESPACE,
            smtp_host="127.0.0.1",
            smtp_port=server.port,
            smtp_security="none",
            smtp_from="service@shop.example",
            notice_retry_first="PT0.2S",
            notice_retry_longest="PT1S",
            engine_probe_seconds=0.5,
        ) as system,
    ):
        yield system


def customer(serial: int, **changes: str) -> dict[str, str]:
    return {"name": NAME, "email": EMAIL.replace("two", f"two{serial}"), "phone": f"{PHONE[:-2]}{serial:02}", **changes}


async def mailed(server: MailServer, address: str, count: int) -> list[EmailMessage]:
    """The mails to an address, once there are so many."""

    async def are_there() -> bool:
        return len(server.to(address)) >= count

    await until(are_there, 30)
    return server.to(address)


async def test_a_customer_reads_the_whole_story_in_their_mailbox_each_step_once(
    mailing: System, server: MailServer
) -> None:
    who = customer(1)
    ticket_no = await mailing.resolved(customer=who)
    await mailing.do(ticket_no, "record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
    mails = await mailed(server, who["email"], 5)
    subjects = [str(mail["Subject"]) for mail in mails]
    assert sorted(subjects) == sorted(
        [
            f"已收到您的反馈：{ticket_no}（BCD-500）",
            f"已受理：反馈单 {ticket_no}",
            f"处理完成：反馈单 {ticket_no}",
            f"反馈单 {ticket_no} 已关闭",
            f"请评价这次服务：反馈单 {ticket_no}",
        ]
    )
    assert len({mail["Message-ID"] for mail in mails}) == 5
    assert all(text_of(mail).startswith(f"{NAME}，您好：") for mail in mails)


async def test_the_link_in_the_mail_opens_the_ticket_s_page(mailing: System, server: MailServer) -> None:
    who = customer(2)
    sent = {"channel": "web", "language": "en", "customer": who, "description": "no cooling", "kind": "suggestion"}
    registered = await mailing.call("POST", "/v1/feedback", sent)
    (mail,) = await mailed(server, who["email"], 1)
    assert registered.json()["links"]["ticket"] in text_of(mail)
    assert f'href="{registered.json()["links"]["ticket"]}"' in text_of(mail, "html")
    assert str(mail["Subject"]).startswith("We have your report")


async def test_a_mail_server_that_is_away_gets_the_mail_when_it_is_back(mailing: System, server: MailServer) -> None:
    who = customer(3)
    await server.stop()
    try:
        ticket_no = await mailing.register(customer=who)

        async def was_tried() -> bool:
            found = (await mailing.get("/v1/notices", by="郑洁", ticket_no=ticket_no))["items"]
            return any(each["last_error"] for each in found)

        await until(was_tried, 30)
        assert not server.to(who["email"])
    finally:
        await server.start()
    assert len(await mailed(server, who["email"], 1)) == 1


async def test_a_customer_without_e_mail_is_listed_as_not_reached(mailing: System) -> None:
    ticket_no = await mailing.register(customer={"name": "周杰", "phone": "+8613755500099"})

    async def is_told() -> bool:
        found = (await mailing.get("/v1/notices", by="郑洁", ticket_no=ticket_no, state="not_sent"))["items"]
        return [each["not_sent_reason"] for each in found] == ["no_address"]

    await until(is_told, 30)


async def test_an_address_that_is_refused_fails_and_is_sent_anew_once_it_was_corrected(
    mailing: System, server: MailServer
) -> None:
    who = customer(4)
    server.refused[who["email"]] = "550 no such user"
    ticket_no = await mailing.register(customer=who)
    found: list[str] = []

    async def has_failed() -> bool:
        page = await mailing.get("/v1/notices", by="郑洁", ticket_no=ticket_no, state="failed")
        found.extend(each["id"] for each in page["items"])
        return bool(found)

    await until(has_failed, 30)
    view = await mailing.get(f"/v1/tickets/{ticket_no}", by="李雷")
    corrected = {"email": "right.four@feather.example"}
    changed = await mailing.call("PATCH", f"/v1/customers/{view['customer']['id']}", corrected, by="李雷")
    assert changed.status_code == 200, changed.text
    again = await mailing.call("POST", f"/v1/notices/{found[0]}/resend", {}, by="李雷")
    assert again.status_code == 202
    assert len(await mailed(server, "right.four@feather.example", 1)) == 1


async def test_staff_with_an_address_get_a_mail_in_their_language(mailing: System, server: MailServer) -> None:
    address = {"email": "lintao@shop.example", "language": "en"}
    changed = await mailing.call("PATCH", f"/v1/staff/{mailing.ids['林涛']}", address, by="admin")
    assert changed.status_code == 200, changed.text
    ticket_no = await mailing.accepted(customer=customer(5))
    (mail,) = [mail for mail in await mailed(server, "lintao@shop.example", 1) if ticket_no in str(mail["Subject"])]
    assert str(mail["Subject"]) == f"Yours (owner): ticket {ticket_no}"
    assert NAME not in text_of(mail)


async def test_contacts_are_nowhere_in_notify_s_tables_nor_in_the_engine(
    mailing: System, server: MailServer, engine: WorkflowEnvironment
) -> None:
    secrets = (NAME, "feather.example", "137555056", "lintao@")
    server.at_recipient.append("451 try again later")  # what the first try leaves over goes on as a workflow
    who = customer(99)
    await mailing.register(customer=who)
    await mailed(server, who["email"], 1)
    async with mailing.database.read() as connection:
        tables = text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'notify'")
        names = (await connection.execute(tables)).scalars().all()
        assert "notices" in names
        kept = [str(row) for name in names for row in await connection.execute(text(f'SELECT * FROM notify."{name}"'))]
    assert not [secret for secret in secrets if secret in " ".join(kept)]
    client = await engine.client.__class__.connect(engine.client.service_client.config.target_host,
                                                   namespace=NAMESPACE)  # fmt: skip

    async def are_listed() -> bool:
        return (await client.count_workflows(f"WorkflowType = '{WORKFLOW_NOTICE}'")).count > 0

    await until(are_listed)
    async for found in client.list_workflows(f"WorkflowType = '{WORKFLOW_NOTICE}'"):
        history = await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
        told = " ".join(strings(history.to_json_dict()))
        assert not [secret for secret in (*secrets, "/t/2") if secret in told]


async def test_a_reply_to_whom_no_channel_reaches_is_no_response_until_somebody_told_them(mailing: System) -> None:
    phone_only = {"name": NAME, "phone": "+8613755509991"}
    ticket_no = await mailing.accepted(customer=phone_only)
    nobody = {"channel": None, "address": None, "reason": "no_address"}
    assert (await mailing.get(f"/v1/tickets/{ticket_no}"))["reach"] == nobody
    answered = await mailing.do(ticket_no, "respond", {"message": "明天上门"}, by="林涛")
    assert (answered["reach"], answered["responded_at"]) == (nobody, None)
    assert _state(answered, "response") == "running"
    told = await mailing.do(ticket_no, "respond", {"message": "明天上门", "told_by": "phone"}, by="林涛")
    assert told["responded_at"]
    assert _state(told, "response") == "met"
    events = (await mailing.get(f"/v1/tickets/{ticket_no}/timeline", limit=50))["items"]
    responses = [it["data"] for it in events if it["type"] == "ticket.responded"]
    assert [(it["first"], it.get("reached"), it.get("told_by")) for it in responses] == [
        (False, False, None),
        (True, None, "phone"),
    ]


async def test_whom_a_channel_reaches_is_shown_with_a_part_of_the_address(mailing: System) -> None:
    who = customer(8)
    ticket_no = await mailing.accepted(customer=who)
    answered = await mailing.do(ticket_no, "respond", {"message": "明天上门"}, by="林涛")
    assert answered["reach"] == {"channel": "email", "address": f"{who['email'][0]}***@feather.example", "reason": None}
    assert answered["responded_at"]


async def test_how_somebody_was_told_is_one_of_three_ways_and_only_of_what_is_visible(mailing: System) -> None:
    ticket_no = await mailing.accepted(customer=customer(9))
    wrong = await mailing.call(
        "POST", f"/v1/tickets/{ticket_no}/respond", {"message": "x", "told_by": "smoke"}, by="林涛"
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/told_by")
    note = {"message": "x", "visible": False, "told_by": "phone"}
    hidden = await mailing.call("POST", f"/v1/tickets/{ticket_no}/progress", note, by="林涛")
    assert hidden.status_code == 422
    smuggled = await mailing.call(
        "POST", f"/v1/tickets/{ticket_no}/respond", {"message": "x", "reached": True}, by="林涛"
    )
    assert (smuggled.status_code, smuggled.json()["errors"][0]["pointer"]) == (422, "/reached")


def _state(ticket: dict[str, Any], clock: str) -> str:
    return str(next(it["state"] for it in ticket["clocks"] if it["name"] == clock))
