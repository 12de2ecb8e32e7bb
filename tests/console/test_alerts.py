"""The alerts page: what wants an answer, who was told, who is told next, and the answer in one click."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.tickets.alert_rows import in_order, snooze_end
from tests.console.page_client import Html, PageClient
from tests.services.system import System, alerted, until

Visit = Callable[..., PageClient]
FORMS = ("acknowledge", "snooze", "hand-over", "resolve")


async def raised(system: System) -> tuple[str, str]:
    """A ticket and an alert about it."""
    ticket_no = await system.closed()
    return ticket_no, await alerted(system, ticket_no)


async def alert(system: System, alert_id: str) -> dict[str, object]:
    shown: dict[str, object] = await system.get(f"/v1/alerts/{alert_id}", by="王芳")
    return shown


async def test_an_alert_says_what_it_is_about_and_who_was_told(system: System, visit: Visit) -> None:
    ticket_no, alert_id = await raised(system)

    async def is_told() -> bool:
        return bool((await alert(system, alert_id))["told"])

    await until(is_told, 30)
    page = await visit("王芳").get("/alerts")
    assert ticket_no in page.text
    assert "客户评分过低，请回电" in page.text
    assert "已通知" in page.text
    assert all(page.has_form(f"/alerts/{alert_id}/{name}") for name in FORMS)


async def test_one_click_takes_an_alert_and_shows_who_has_it(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    client = visit("王芳")
    form = (await client.get("/alerts")).form(f"/alerts/{alert_id}/acknowledge")
    await client.send(form)
    after = await alert(system, alert_id)
    assert (after["state"], after["acknowledged_by"]) == ("acknowledged", system.ids["王芳"])
    page = await client.get("/alerts?view=taken")
    assert "已确认 王芳" in page.text
    assert not page.has_form(f"/alerts/{alert_id}/acknowledge")


async def test_an_alert_rests_for_as_long_as_the_button_says(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    client = visit("王芳")
    form = (await client.get("/alerts")).form(f"/alerts/{alert_id}/snooze")
    before = datetime.now(UTC)
    await client.post(form.action, {**form.filled(), "for": "60"})
    after = await alert(system, alert_id)
    assert after["state"] == "snoozed"
    until_at = datetime.fromisoformat(str(after["snoozed_until"]))
    assert timedelta(minutes=59) < until_at - before <= timedelta(minutes=61)


async def test_an_alert_is_handed_over_and_resolved(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    client = visit("王芳")
    form = (await client.get("/alerts")).form(f"/alerts/{alert_id}/hand-over")
    await client.post(form.action, {**form.filled(), "staff": system.ids["李雷"]})
    assert (await alert(system, alert_id))["handed_to"] == system.ids["李雷"]
    form = (await client.get("/alerts")).form(f"/alerts/{alert_id}/resolve")
    await client.send(form, note="已致电客户")
    after = await alert(system, alert_id)
    assert (after["state"], after["resolution_note"]) == ("resolved", "已致电客户")
    assert "已致电客户" in (await client.get("/alerts?view=resolved")).text


async def test_whoever_is_slower_is_told_so_and_changes_nothing(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    slower = visit("李雷")
    form = (await slower.get("/alerts")).form(f"/alerts/{alert_id}/resolve")
    faster = visit("王芳")
    await faster.send((await faster.get("/alerts")).form(f"/alerts/{alert_id}/acknowledge"))
    answer = await slower.post(form.action, form.filled())
    assert answer.status_code == 409
    assert "刚刚有变化" in Html(answer.text).text
    assert (await alert(system, alert_id))["state"] == "acknowledged"


async def test_a_click_with_scripts_is_answered_with_the_part_that_moves(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    client = visit("王芳")
    form = (await client.get("/alerts")).form(f"/alerts/{alert_id}/acknowledge")
    answer = await client.post(form.action, form.filled(), **{"HX-Request": "true"})
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'id="live"' in answer.text


def listed(page: Html) -> list[str | None]:
    """The alerts of a page, from the top."""
    return [given["id"] for tag, given in page.tags if tag == "li" and (given.get("class") or "").startswith("alarm ")]


async def test_the_link_of_a_mail_opens_on_its_alert_whatever_became_of_it(system: System, visit: Visit) -> None:
    _, alert_id = await raised(system)
    await raised(system)
    client = visit("王芳")
    opened = await client.get(f"/alerts?alert={alert_id}")
    assert listed(opened)[0] == f"alert-{alert_id}"
    assert len(listed(opened)) == len(set(listed(opened)))
    assert [given["id"] for _, given in opened.tags if "autofocus" in given] == [f"alert-{alert_id}"]
    answered = await client.send(opened.form(f"/alerts/{alert_id}/resolve"))
    assert listed(answered)[0] == f"alert-{alert_id}"
    assert "解除" in answered.text
    unknown = await client.get("/alerts?alert=nothing%2F..%2Fx")
    assert "您无权查看" in unknown.text
    assert listed(unknown)


async def test_another_department_sees_no_alert_of_ours(system: System, visit: Visit) -> None:
    ticket_no, alert_id = await raised(system)
    page = await visit("许晴").get("/alerts")
    assert ticket_no not in page.source
    assert alert_id not in page.source


async def test_the_stream_hands_on_what_the_api_says(system: System, visit: Visit) -> None:
    client = visit("王芳")
    async with client.http.stream("GET", "/alerts/stream") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line == "event: position":
                break
        else:
            pytest.fail("the stream ended before it told where it begins")


async def test_the_navigation_counts_what_wants_an_answer(system: System, visit: Visit) -> None:
    await raised(system)
    assert 'class="count count-late"' in (await visit("王芳").http.get("/alerts/count")).text


def made(id_: str, threshold: str, state: str, due_at: str) -> dict[str, str]:
    return {"id": id_, "threshold": threshold, "state": state, "due_at": due_at, "resolved_at": due_at}


def test_breaches_come_before_low_ratings_before_warnings_and_the_most_overdue_first() -> None:
    alerts = [
        made("taken", "breach", "acknowledged", "2026-11-01T00:00:00Z"),
        made("warning", "warning", "open", "2026-11-01T00:00:00Z"),
        made("rating", "low_rating", "open", "2026-11-01T00:00:00Z"),
        made("later", "breach", "open", "2026-11-03T00:00:00Z"),
        made("sooner", "breach", "open", "2026-11-02T00:00:00Z"),
    ]
    assert [each["id"] for each in in_order(alerts)] == ["sooner", "later", "rating", "warning", "taken"]


class FixedClock:
    """A page's moment and zone: 23:30 in Shanghai."""

    now = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    zone = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("choice", "end"),
    [("15", "2026-11-22T15:45:00Z"), ("60", "2026-11-22T16:30:00Z"), ("tomorrow", "2026-11-23T01:00:00Z"), ("x", None)],
)
def test_tomorrow_morning_is_the_readers_own(choice: str, end: str | None) -> None:
    assert snooze_end(choice, FixedClock()) == end  # type: ignore[arg-type]
