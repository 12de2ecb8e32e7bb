"""From a customer's form to her rating in the report, through browsers and mails, while every process dies once."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.journey.customer import EMAIL, NAME
from tests.journey.harness import PATIENCE_SECONDS, JourneyHarness, journey_harness
from tests.journey.staff_browser import StaffBrowser
from tests.services.notify.mail_server import text_of
from tests.services.notify.webhook_receiver import Received, Receiver
from tests.services.system import until

PASSWORD = "correct horse battery"
PEOPLE: Mapping[str, dict[str, Any]] = {
    "李雷": {"username": "li.lei", "roles": ["clerk"], "email": "li.lei@example.com"},
    "周强": {
        "username": "zhou.qiang",
        "roles": ["handler"],
        "department": "repair",
        "email": "zhou.qiang@example.com",
    },
    "王芳": {"username": "wang.fang", "roles": ["supervisor"], "email": "wang.fang@example.com"},
}
SHORT = {
    "calendar": "always",
    "applies": [{"kind": ["fault"]}],
    "clocks": {
        "acceptance": {"target": "PT24H"},
        "response": {"target": "PT25S", "warn_at": []},
        "resolution": {"target": "P3D"},
        "callback": {"target": "P1D"},
    },
}
"""The customer is promised a first word within seconds, and nobody says one."""
MODEL, PROGRESS = "BCD-500", "已预约明天上午九点上门检测"
SCORES = {"response_speed": "3", "problem_solving": "5", "attitude": "5", "convenience": "4"}
REST = {"overall": "satisfied", "recommend": "9", "solved_first_time": "yes"}
SUGGESTION = "师傅很专业，希望第一次答复更快"
TOLD_TO_HER = ["received", "accepted", "progress", "resolved", "closed", "survey"]
STEPS = [
    "ticket.received",
    "ticket.accepted",
    "ticket.assigned",
    "clock.breached",
    "alert.raised",
    "alert.acknowledged",
    "clock.explained",
    "ticket.progressed",
    "ticket.resolved",
    "alert.resolved",
    "ticket.callback_recorded",
    "ticket.closed",
    "survey.sent",
    "survey.answered",
]
"""Each once; a slow machine accepts after the breach."""


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[JourneyHarness]:
    async with journey_harness(tmp_path) as harness:
        yield harness


@pytest.mark.timeout(900)  # every wait in it has an end of its own
async def test_the_loop_is_closed_though_every_process_is_killed_on_the_way(harness: JourneyHarness) -> None:
    secret = await _open_the_centre(harness)
    ticket_no = await _from_the_form_to_the_rating(harness)
    events = (await harness.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sorted(event["type"] for event in events) == sorted(STEPS)
    await _the_receiver_saw_each_in_order_and_once(harness.receiver, secret, events)
    await _she_was_told_each_once(harness, ticket_no)


async def _open_the_centre(harness: JourneyHarness) -> str:
    """People, a short promise and a webhook; returns the webhook's secret."""
    await harness.post("/v1/departments", {"id": "repair", "name": "维修部"})
    for name, person in PEOPLE.items():
        await harness.post("/v1/staff", {**person, "name": name, "password": PASSWORD})
    (await harness.admin.put("/v1/policies/short", params={"publish": "true"}, json=SHORT)).raise_for_status()
    return str((await harness.post("/v1/webhooks", {"url": harness.receiver.url}))["secret"])


async def _from_the_form_to_the_rating(harness: JourneyHarness) -> str:
    customer = await harness.customer()
    ticket_no = await customer.report("冰箱不制冷", model=MODEL, serial_no="SER20230915002")
    await harness.crash("web")
    clerk, handler, supervisor = [await harness.member(it["username"], PASSWORD) for it in PEOPLE.values()]
    await _accept(clerk, ticket_no)

    await _the_promise_falls_due_without_a_worker(harness, ticket_no)
    await handler.acknowledge(ticket_no)
    await harness.crash("temporal")

    await _say_why_it_was_missed(handler, ticket_no)
    await _tell_her_of_progress(handler, ticket_no)
    await harness.crash("postgres")
    letter = text_of(await harness.mail_to(EMAIL, "处理进展"))
    assert PROGRESS in letter
    await customer.follow(_link(letter, "t"), PROGRESS)

    await _resolve(handler, ticket_no)
    await _call_her_back(clerk, ticket_no)
    letter = text_of(await harness.mail_to(EMAIL, "请评价"))
    await customer.rate(_link(letter, "s"), {**SCORES, **REST}, SUGGESTION)
    await _find_it_in_the_report(supervisor)
    await supervisor.look_back(ticket_no, "客户已评价")
    return ticket_no


async def _accept(clerk: StaffBrowser, ticket_no: str) -> None:
    await clerk.find_on_the_board(ticket_no)
    form = await clerk.form("accept")
    await form.locator("[name=department]").select_option(label="维修部")
    await form.locator("[name=owner]").select_option(label="周强")
    await clerk.send(form, "受理")


async def _the_promise_falls_due_without_a_worker(harness: JourneyHarness, ticket_no: str) -> None:
    """Kill the worker when the promise is about to fall due, and see somebody told by mail all the same."""
    clocks = (await harness.get(f"/v1/tickets/{ticket_no}"))["clocks"]
    due_at = next(datetime.fromisoformat(clock["due_at"]) for clock in clocks if clock["name"] == "response")

    async def is_near() -> bool:
        return (due_at - datetime.now(UTC)).total_seconds() < 1

    await until(is_near, PATIENCE_SECONDS)
    await harness.crash("worker")
    alert = await _alert_that_was_told(harness, ticket_no)
    assert datetime.fromisoformat(alert["due_at"]) == due_at
    staff = (await harness.get("/v1/staff"))["items"]
    name = next(person["name"] for person in staff if person["id"] == alert["told"][0]["staff"])
    letter = await harness.mail_to(PEOPLE[name]["email"], "已超时")
    assert ticket_no in str(letter["Subject"])
    assert not any(contact in text_of(letter) for contact in (EMAIL, NAME))


async def _alert_that_was_told(harness: JourneyHarness, ticket_no: str) -> dict[str, Any]:
    alerts: list[dict[str, Any]] = []

    async def is_told() -> bool:
        alerts[:] = (await harness.get("/v1/alerts", ticket_no=ticket_no))["items"]
        return any(alert["told"] for alert in alerts)

    await until(is_told, PATIENCE_SECONDS)
    assert len(alerts) == 1
    return alerts[0]


async def _say_why_it_was_missed(handler: StaffBrowser, ticket_no: str) -> None:
    await handler.open(ticket_no)
    form = await handler.form("explain-breach")
    await form.locator("[name=reason]").fill("上门途中")
    await handler.send(form, "说明超时原因")


async def _tell_her_of_progress(handler: StaffBrowser, ticket_no: str) -> None:
    await handler.open(ticket_no)
    form = await handler.form("progress")
    await form.locator("textarea").fill(PROGRESS)
    await handler.send(form, "记录并告知客户")


async def _resolve(handler: StaffBrowser, ticket_no: str) -> None:
    await handler.open(ticket_no)
    form = await handler.form("resolve")
    await form.locator("[name=result][value=resolved]").check()
    await form.locator("[name=summary]").fill("更换温控器，试机正常")
    await handler.send(form, "完成处理")


async def _call_her_back(clerk: StaffBrowser, ticket_no: str) -> None:
    await clerk.open(ticket_no)
    form = await clerk.form("record-callback")
    await form.locator("[name=outcome][value=satisfied]").check()
    await form.locator("[name=channel]").select_option("phone")
    await clerk.send(form, "记录回访")


async def _find_it_in_the_report(supervisor: StaffBrowser) -> None:
    average, low, middle, high, _, count, quotations = await supervisor.read_the_report("product_model", MODEL)
    assert (float(average), count) == (4.25, "1")
    assert [float(share.removesuffix("%")) for share in (low, middle, high)] == [0, 50, 50]
    assert SUGGESTION in quotations


async def _the_receiver_saw_each_in_order_and_once(receiver: Receiver, secret: str, events: list[Any]) -> None:
    async def has_seen_all() -> bool:
        return len(_each_once(receiver, secret)) >= len(events)

    await until(has_seen_all, PATIENCE_SECONDS)
    seen = [(event["seq"], event["type"]) for event in _each_once(receiver, secret)]
    assert seen == [(event["seq"], event["type"]) for event in events]


async def _she_was_told_each_once(harness: JourneyHarness, ticket_no: str) -> None:
    async def hers() -> list[dict[str, Any]]:
        notices = (await harness.get("/v1/notices", ticket_no=ticket_no, limit=200))["items"]
        return [notice for notice in notices if notice["audience"] == "customer"]

    async def all_went() -> bool:
        return all(notice["state"] == "sent" for notice in await hers())

    await until(all_went, PATIENCE_SECONDS)
    assert sorted(notice["kind"] for notice in await hers()) == sorted(TOLD_TO_HER)
    assert len({str(mail["Message-ID"]) for mail in harness.mail.to(EMAIL)}) == len(TOLD_TO_HER)


def _each_once(receiver: Receiver, secret: str) -> list[dict[str, Any]]:
    """The events by their first arrival: a receiver drops what comes under an id that it knows."""
    first: dict[str, Received] = {}
    for each in receiver.received:
        first.setdefault(each.id, each)
    return [each.verified(secret) for each in first.values()]


def _link(letter: str, page: str) -> str:
    found = re.search(rf"http\S+/{page}/\S+", letter)
    assert found, letter
    return found[0]
