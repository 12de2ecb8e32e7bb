"""The lists that people work from: each count is that of the list that its filters show, to whoever asks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.workflow.views.work_lists import View, parameters, work_lists
from tests.services.system import PEOPLE, System

READERS = [name for name, (role, _) in PEOPLE.items() if role != "admin"]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
async def a_ticket_for_every_list(system: System) -> None:
    """A ticket for every list."""
    await system.register()
    await system.accepted(owner=None)
    await system.resolved()
    waiting = await system.accepted()
    await system.do(waiting, "wait", {"reason": "parts"}, by="林涛")
    elsewhere = await system.register(category="logistics_delay")
    await system.do(elsewhere, "accept", by="钱进")


async def listed(system: System, name: str, filters: Mapping[str, list[str]]) -> int:
    """Count the tickets in the list of these filters, page by page."""
    asked: dict[str, Any] = {**filters, "limit": 200}
    count = 0
    while True:
        page = await system.get("/v1/tickets", by=name, **asked)
        count += len(page["items"])
        if page["next_cursor"] is None:
            return count
        asked["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("name", READERS)
async def test_every_count_is_that_of_its_list(system: System, a_ticket_for_every_list: None, name: str) -> None:
    lists = (await system.get("/v1/tickets/counts", by=name))["items"]
    assert [each["view"] for each in lists] == list(View)
    for each in lists:
        assert each["count"] == await listed(system, name, each["filters"]), each["view"]


async def test_mine_are_those_that_i_own_or_help_with(system: System, a_ticket_for_every_list: None) -> None:
    lists = {each["view"]: each for each in (await system.get("/v1/tickets/counts", by="林涛"))["items"]}
    assert lists["mine"]["filters"]["owner"] == [system.ids["林涛"]]
    assert lists["mine"]["count"] > 0
    nobody = {each["view"]: each for each in (await system.get("/v1/tickets/counts", by="郑洁"))["items"]}
    assert nobody["mine"]["count"] == 0


async def test_unassigned_is_a_filter_of_the_list(system: System, a_ticket_for_every_list: None) -> None:
    page = await system.get("/v1/tickets", assigned="false", limit=200)
    assert page["items"]
    assert all(ticket["owner"] is None or ticket["owner_left"] for ticket in page["items"])
    page = await system.get("/v1/tickets", assigned="true", limit=200)
    assert all(ticket["owner"] and not ticket["owner_left"] for ticket in page["items"])


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 19, 16, 0, 0, tzinfo=UTC),
    ],
)
def test_today_ends_at_midnight_of_the_business(now: datetime) -> None:
    filters = work_lists("s-1", now.astimezone(SHANGHAI))[View.DUE_TODAY]
    assert filters.due_before == datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    assert filters.overdue is False


def test_the_next_second_is_another_day() -> None:
    now = datetime(2026, 11, 20, 16, 0, tzinfo=UTC).astimezone(SHANGHAI)
    assert work_lists("s-1", now)[View.DUE_TODAY].due_before == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


def test_filters_are_told_as_query_parameters() -> None:
    told = parameters(work_lists("s-1", datetime(2026, 11, 20, tzinfo=UTC))[View.DUE_TODAY])
    assert told["overdue"] == ["false"]
    assert told["due_before"] == ["2026-11-21T00:00:00Z"]
    assert told["status"] == ["pending", "processing", "resolved"]


async def test_a_ticket_that_has_not_changed_is_not_read_again(system: System) -> None:
    ticket_no = await system.accepted()
    first = await system.call("GET", f"/v1/tickets/{ticket_no}")
    before = (await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no))["items"]
    same = await system.call("GET", f"/v1/tickets/{ticket_no}", If_None_Match=first.headers["ETag"])
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert (await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no))["items"] == before
    await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛")
    changed = await system.call("GET", f"/v1/tickets/{ticket_no}", If_None_Match=first.headers["ETag"])
    assert changed.status_code == 200
