"""The board: order, filters in the address, counts that lead to their lists, search, and who sees what."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from services.console.rendering.present import Present
from services.console.tickets.live_part import fingerprint
from services.console.tickets.rows import BoardRow
from services.console.wording import WORDING
from tests.console.page_client import Html, PageClient, listed, path_in
from tests.services.system import OTHER, PEOPLE, System, until

Visit = Callable[..., PageClient]
READERS = [name for name, (role, _) in PEOPLE.items() if role != "admin"]
MODEL = "BOARD-1"


def rows(page: Html) -> list[str]:
    """The ticket numbers of a list, from its top."""
    return [str(given["id"]).removeprefix("row-") for tag, given in page.tags if tag == "tr" and given.get("id")]


def row(page: Html, ticket_no: str) -> str:
    """The words of one row."""
    source = re.search(rf'<tr[^>]*id="row-{ticket_no}".*?</tr>', page.source, re.DOTALL)
    assert source, f"{ticket_no} is not on the page"
    return Html(source[0]).text


@pytest.fixture(scope="module")
async def late(system: System) -> str:
    """A ticket whose acceptance is overdue."""
    clocks = {"acceptance": {"target": "PT1S"}}
    body = {"title": {"en": "short"}, "calendar": "cn", "applies": [{"kind": ["praise"]}], "clocks": clocks}
    answer = await system.call("PUT", "/v1/policies/board-short?publish=true", body, by="孙磊")
    assert answer.status_code == 200, answer.text
    ticket_no = await system.register(kind="praise", product={"model": MODEL})

    async def is_late() -> bool:
        view = await system.get(f"/v1/tickets/{ticket_no}")
        return bool(view["clocks"][0]["state"] == "breached")

    await until(is_late)
    return ticket_no


@pytest.fixture(scope="module")
async def paused(system: System) -> str:
    """A ticket that waits for parts, on a clock that pauses for it alone."""
    ticket_no = await system.accepted(product={"model": MODEL, "serial_no": "B-PAUSED"})
    await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    return ticket_no


async def test_a_late_ticket_comes_first_and_says_so_in_words(visit: Visit, late: str, paused: str) -> None:
    page = await visit("李雷").get("/board", product_model=MODEL)
    assert rows(page) == [late, paused]
    assert "超时" in row(page, late)
    assert "受理" in row(page, late)
    assert "等配件" in row(page, paused)


async def test_the_board_is_sorted_by_what_is_due_next(system: System, visit: Visit) -> None:
    page = await visit("郑洁").get("/board")
    listed = (await system.get("/v1/tickets", by="郑洁", status=["pending", "processing", "resolved"]))["items"]
    assert rows(page) == [ticket["ticket_no"] for ticket in listed]


async def test_a_ticket_whose_every_clock_stands_still_is_shown_as_paused_with_the_reason(
    system: System, visit: Visit
) -> None:
    ticket_no = await system.register(kind="complaint", product={"model": "BOARD-ASKED"})
    body = {"fields": ["product.serial_no"], "message": "请提供序列号"}
    await system.do(ticket_no, "request-information", body, by="李雷")
    shown = row(await visit("李雷").get("/board", product_model="BOARD-ASKED"), ticket_no)
    assert "暂停：等客户" in shown
    assert "剩" not in shown
    assert "超时" not in shown


async def test_a_clock_of_working_time_says_when_the_centre_is_closed(system: System, visit: Visit) -> None:
    opens = (datetime.now(UTC).hour + 6) % 24
    hours = {day: {f"{opens:02}:00": f"{opens:02}:30"} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    closed = {"title": {"en": "opens in six hours"}, "time_zone": "UTC", "hours": hours}
    assert (await system.call("PUT", "/v1/calendars/far?publish=true", closed, by="孙磊")).status_code == 200
    policy = {
        "title": {"en": "far"},
        "calendar": "far",
        "applies": [{"kind": ["suggestion"]}],
        "clocks": {"acceptance": {"target": "PT10WM"}},
    }
    assert (await system.call("PUT", "/v1/policies/board-far?publish=true", policy, by="孙磊")).status_code == 200
    ticket_no = await system.register(kind="suggestion", product={"model": "BOARD-FAR"})
    await listed(system, ticket_no)

    async def says_so() -> bool:
        # What is known of calendars is renewed every 20 s.
        return "非工作时间" in row(await visit("李雷").get("/board", product_model="BOARD-FAR"), ticket_no)

    await until(says_so, seconds=30)


async def all_rows(client: PageClient, address: str) -> list[str]:
    """The ticket numbers of a list, all its pages."""
    page = await client.get(address)
    found = rows(page)
    while "下一页" in page.text:
        page = await client.get(page.address("下一页"))
        found += rows(page)
    return found


@pytest.mark.parametrize("name", READERS)
async def test_every_count_equals_the_list_that_it_leads_to(visit: Visit, late: str, paused: str, name: str) -> None:
    client = visit(name)
    page = await client.get("/board")
    tabs = re.findall(r'<a href="([^"]+)" class="tab tab-(\w+)"[^>]*>[^<]*<span class="count[^>]*>(\d+)<', page.source)
    assert [view for _, view, _ in tabs] == [
        "open", "mine", "review", "unassigned", "overdue", "due_today", "waiting", "callback",
    ]  # fmt: skip
    for address, view, count in tabs:
        listed = await all_rows(client, address.replace("&amp;", "&"))
        assert len(listed) == int(count), f"{view} for {name}"


async def test_the_list_that_is_shown_is_marked_among_the_tabs(visit: Visit) -> None:
    client = visit("林涛")
    for view, address in [("open", "/board"), ("closed", "/board?status=closed&sort=-opened_at")]:
        page = await client.get(address)
        current = re.findall(r'class="tab tab-(\w+)" aria-current="page"', page.source)
        assert current == [view]


async def test_mine_is_whoever_looks(system: System, visit: Visit, paused: str) -> None:
    page = await visit("林涛").get("/board", owner="me", product_model=MODEL)
    assert rows(page) == [paused]
    assert rows(await visit("李雷").get("/board", owner="me", product_model=MODEL)) == []


async def test_another_departments_staff_do_not_see_the_ticket(visit: Visit, paused: str, late: str) -> None:
    for name, (role, department) in PEOPLE.items():
        if department != OTHER:
            continue
        page = await visit(name).get("/board", product_model=MODEL)
        assert paused not in page.source, f"{name}, {role}"


async def test_filters_in_the_address_stay_in_the_form(visit: Visit, paused: str) -> None:
    page = await visit("李雷").get("/board", kind="fault", phase="processing.waiting", product_model=MODEL)
    assert rows(page) == [paused]
    form = next(form for form in page.forms if form.id == "filter-form")
    assert {("kind", "fault"), ("phase", "processing.waiting"), ("product_model", MODEL)} <= set(form.fields)


async def test_an_untouched_filter_form_asks_for_everything_that_is_open(visit: Visit) -> None:
    client = visit("李雷")
    everything = await client.get("/board")
    form = next(form for form in everything.forms if form.id == "filter-form")
    empty: dict[str, Any] = dict.fromkeys(form.choices, "")
    assert rows(await client.get("/board", **empty)) == rows(everything)


async def closed_and_open(system: System, model: str) -> tuple[str, str]:
    """A ticket that is closed and one that is not, of one product."""
    return await system.closed(product={"model": model}), await system.accepted(product={"model": model})


async def test_whatever_is_chosen_on_the_board_closed_tickets_stay_out(system: System, visit: Visit) -> None:
    closed, still_open = await closed_and_open(system, "BOARD-STAYS-OPEN")
    client = visit("李雷")
    page = await client.get("/board")
    form = next(form for form in page.forms if form.id == "filter-form")
    for chosen in (
        {"kind": "fault"},
        {"owner": system.ids["林涛"]},
        {"department": "after-sales", "priority": "medium"},
    ):
        found = await all_rows(client, f"/board?{urlencode(form.filled(**chosen), doseq=True)}")
        typed = await all_rows(client, f"/board?{urlencode(chosen)}")
        assert still_open in found
        assert still_open in typed
        assert closed not in [*found, *typed]


async def test_what_is_carried_along_is_shown_and_can_be_dropped(system: System, visit: Visit) -> None:
    closed, still_open = await closed_and_open(system, "BOARD-CHIPS")
    client = visit("李雷")

    async def shown(address: str) -> tuple[list[str], dict[str, str]]:
        page = await client.get(address)
        chips = re.findall(r'<span class="chip">([^<]*)<a href="([^"]*)"', page.source)
        return rows(page), {text: href.replace("&amp;", "&") for text, href in chips}

    found, chips = await shown("/board?kind=fault&product_model=BOARD-CHIPS")
    assert (found, list(chips)) == ([still_open], ["全部未结", "型号 BOARD-CHIPS"])
    assert list((await shown(chips["型号 BOARD-CHIPS"]))[1]) == ["全部未结"]
    found, every = await shown(chips["全部未结"])
    assert (set(found), list(every)) == ({closed, still_open}, ["含已关闭", "型号 BOARD-CHIPS"])
    assert (await shown(every["含已关闭"]))[0] == [still_open]


async def test_a_phase_says_more_than_the_statuses_that_are_carried_along(system: System, visit: Visit) -> None:
    closed, _ = await closed_and_open(system, "BOARD-PHASE")
    client = visit("李雷")
    form = next(
        form for form in (await client.get("/board?product_model=BOARD-PHASE")).forms if form.id == "filter-form"
    )
    page = await client.get(f"/board?{urlencode(form.filled(phase='closed'), doseq=True)}")
    assert rows(page) == [closed]


async def test_a_list_of_two_phases_keeps_both_when_something_else_is_chosen(visit: Visit) -> None:
    client = visit("李雷")
    waiting = (await client.get("/board")).address("待回访")
    form = next(form for form in (await client.get(waiting)).forms if form.id == "filter-form")
    page = await client.get(f"/board?{urlencode(form.filled(kind='fault'), doseq=True)}")
    again = next(form for form in page.forms if form.id == "filter-form").filled()
    assert again["phase"] == ["resolved.awaiting_callback,resolved.awaiting_second_callback"]
    assert again["kind"] == ["fault"]


async def test_a_filter_that_nobody_knows_leads_back_to_the_board(visit: Visit) -> None:
    page = await visit("李雷").get("/board?kind=nonsense", status=422)
    assert "看板" in page.text


async def test_pages_follow_each_other_without_losing_or_repeating_a_ticket(system: System, visit: Visit) -> None:
    made = {await system.register(product={"model": "BOARD-MANY"}) for _ in range(53)}
    client = visit("李雷")

    async def are_listed() -> bool:
        page = await system.get("/v1/tickets", product_model="BOARD-MANY", limit=200)
        return len(page["items"]) == len(made)

    # Lists follow within 2 s each (api.md).
    await until(are_listed, seconds=30)
    first = await client.get("/board", product_model="BOARD-MANY")
    second = await client.get(first.address("下一页"))
    assert len(rows(first)) == 50
    assert len(rows(second)) == 3
    assert {*rows(first), *rows(second)} == made


async def test_a_search_finds_by_the_end_of_a_phone_number_that_never_stands_in_an_address(
    system: System, visit: Visit
) -> None:
    phone = "+8613777123456"
    ticket_no = await system.register(customer={"name": "韩梅梅", "phone": phone})
    await listed(system, ticket_no)
    client = visit("李雷")
    address = path_in(await client.post("/board", {"q": "77123456"}))
    assert address.startswith("/board?found=")
    assert "77123456" not in address
    page = await client.get(address)
    assert rows(page) == [ticket_no]
    assert not [href for href, _ in page.links if "77123456" in href]
    assert "138****" not in page.text
    assert phone not in page.source
    assert rows(await client.get(address)) == [ticket_no], "a page that is reloaded"
    assert not [given for _, given in page.tags if "hx-get" in given and given.get("id") != "alerts-count"], (
        "a page that asks by itself looks a contact up each time"
    )


async def test_what_a_search_finds_goes_on_over_pages(system: System, visit: Visit) -> None:
    made = {await system.register(product={"model": "BOARD-PAGED", "order_no": "SEARCH-PAGED"}) for _ in range(51)}
    client = visit("李雷")

    async def are_listed() -> bool:
        found = await system.call("POST", "/v1/tickets/search", {"q": "SEARCH-PAGED", "limit": 200})
        return len(found.json()["items"]) == len(made)

    await until(are_listed, seconds=30)
    first = await client.get(path_in(await client.post("/board", {"q": "SEARCH-PAGED"})))
    second = await client.get(first.address("下一页"))
    assert "SEARCH-PAGED" not in first.address("下一页")
    assert {*rows(first), *rows(second)} == made
    assert rows(await client.get(second.address("回到第一页"))) == rows(first)


async def test_a_search_of_somebody_else_and_one_that_nobody_sealed_show_nothing(
    system: System, visit: Visit, paused: str
) -> None:
    address = path_in(await visit("李雷").post("/board", {"q": "BOARD"}))
    for client, asked in ((visit("林涛"), address), (visit("李雷"), "/board?found=x"), (visit("李雷"), address + "x")):
        page = await client.get(asked, status=410)
        assert "这次搜索已过期" in page.text
        assert rows(page) == []


async def test_a_whole_ticket_number_leads_to_the_ticket(visit: Visit, paused: str) -> None:
    client = visit("李雷")
    for typed in (paused, f"#{paused}", f"{paused[:8]}-{paused[8:]}"):
        found = path_in(await client.post("/board", {"q": typed}))
        page = await client.get(found)
        assert f"{paused} 故障" in page.text, typed


async def test_a_search_that_finds_nothing_says_what_can_be_searched_for(visit: Visit) -> None:
    client = visit("李雷")
    page = await client.get(path_in(await client.post("/board", {"q": "没有这样的词"})))
    assert "序列号" in page.text


async def test_a_search_longer_than_any_is_refused_and_an_empty_one_shows_the_board(visit: Visit) -> None:
    client = visit("李雷")
    assert (await client.post("/board", {"q": "长" * 201})).status_code == 400
    assert path_in(await client.post("/board", {"q": " "})) == "/board"


async def test_an_empty_list_offers_a_next_step(visit: Visit) -> None:
    page = await visit("李雷").get("/board", product_model="NO-SUCH-MODEL")
    assert "这里没有工单" in page.text
    assert page.address("新建工单") == "/tickets/new"


async def test_the_live_part_is_the_list_alone_and_holds_the_servers_clock(visit: Visit, late: str) -> None:
    answer = await visit("李雷").http.get("/board", params={"product_model": MODEL, "part": "live"})
    page = Html(answer.text)
    assert late in rows(page)
    assert "<html" not in answer.text
    told: Any = next(given["data-now"] for _, given in page.tags if given.get("id") == "live")
    assert abs((datetime.fromisoformat(told) - datetime.now(datetime.fromisoformat(told).tzinfo)).total_seconds()) < 60


async def test_a_live_part_without_a_sign_in_reloads_the_page_for_it(visit: Visit) -> None:
    answer = await visit().http.get("/board?part=live")
    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


async def test_every_instant_is_a_time_with_its_offset(visit: Visit, late: str) -> None:
    page = await visit("李雷").get("/board")
    assert page.times
    assert all(datetime.fromisoformat(instant).tzinfo for instant in page.times)


async def test_an_administrator_who_reads_no_tickets_is_led_to_what_they_may_open(visit: Visit) -> None:
    answer = await visit("孙磊").http.get("/")
    assert path_in(answer) != "/board"
    assert "没有权限" in (await visit("孙磊").get("/board", status=403)).text


async def test_a_live_part_that_the_page_shows_already_is_not_sent_again(system: System, visit: Visit) -> None:
    model = {"model": "BOARD-LIVE"}
    ticket_no = await system.accepted(product=model)
    reader = visit("李雷").http
    asked = {"product_model": model["model"]}
    whole = await reader.get("/board", params=asked)
    seen = json.loads(str(next(given["hx-headers"] for _, given in Html(whole.text).tags if given.get("id") == "live")))
    part = {**asked, "part": "live"}
    same = await reader.get("/board", params=part, headers=seen)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == seen["If-None-Match"]
    assert same.headers["Date"]
    in_english = await reader.get("/board", params={**part, "lang": "en"}, headers=seen)
    assert in_english.status_code == 200
    await system.do(ticket_no, "chase", by="李雷")
    await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛")
    other = await visit("李雷").http.get("/board", params=part, headers=seen)
    assert (other.status_code, other.headers["ETag"] != seen["If-None-Match"]) == (200, True)
    again = await visit("李雷").http.get("/board", params=part, headers={"If-None-Match": other.headers["ETag"]})
    assert again.status_code == 304


def test_a_countdown_is_another_sight_when_its_tone_changes_and_not_when_it_goes_on() -> None:
    words, now = WORDING.speak("zh-CN"), datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    due = "2026-11-20T09:30:00Z"

    def sight(minutes: int) -> str:
        at = now + timedelta(minutes=minutes)
        clock = Present(words, ZoneInfo("Asia/Shanghai"), at).until(due)
        row = BoardRow("", {}, clock, None, "", "", None, (), is_mine=False)
        page = SimpleNamespace(words=words, zone=ZoneInfo("Asia/Shanghai"), reader=SimpleNamespace(allowed={"x"}),
                               console=SimpleNamespace(statics=SimpleNamespace(version="1")))  # fmt: skip
        return fingerprint(cast(Any, page), {"rows": [row]})

    assert sight(0) == sight(30)
    assert sight(30) != sight(31)
    assert sight(89) == sight(90)
    assert sight(90) != sight(91)
