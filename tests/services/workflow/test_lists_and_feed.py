"""Lists: their filters, pages, order and search; and the feed, of which a reader misses nothing (api.md)."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.contracts.directory import StaffRole
from services.workflow.tables import clocks
from services.workflow.tables import tickets as ticket_table
from services.workflow.views.known_tickets import Writing, writing_of
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow
from tests.services.system import System, until


async def listed(system: System, *, by: str = "李雷", **filters: Any) -> list[str]:
    """Every ticket number that the filters leave, page by page."""
    numbers: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await system.get("/v1/tickets", by=by, limit=3, **filters, **cursor)
        numbers += [item["ticket_no"] for item in page["items"]]
        if page["next_cursor"] is None:
            return numbers
        assert len(page["items"]) == 3
        cursor = {"cursor": page["next_cursor"]}


@pytest.fixture(scope="module")
async def tickets(system: System) -> dict[str, str]:
    """Tickets of one product model in different states, by name."""
    model = {"model": "LIST-1"}
    return {
        "new": await system.register(product={**model, "serial_no": "L-NEW"}, kind="complaint"),
        "urgent": await system.register(product=model, urgency="urgent", category="service_attitude"),
        "waiting": await _after(system, await system.accepted(product=model), "wait", {"reason": "parts"}),
        "asked": await _ask(system, await system.register(product=model)),
        "resolved": await system.resolved(product=model, category="usage_question", kind="consultation"),
        "closed": await system.closed(product=model, urgency="low"),
    }


async def _after(system: System, ticket_no: str, command: str, body: dict[str, Any]) -> str:
    await system.do(ticket_no, command, body, by="林涛")
    return ticket_no


async def _ask(system: System, ticket_no: str) -> str:
    body = {"fields": ["product.serial_no"], "message": "请提供序列号"}
    await system.do(ticket_no, "request-information", body, by="李雷")
    return ticket_no


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "new urgent waiting asked resolved closed"),
        ({"status": "pending"}, "new urgent asked"),
        ({"status": ["resolved", "closed"]}, "resolved closed"),
        ({"phase": "pending.awaiting_information"}, "asked"),
        ({"phase": "processing.waiting"}, "waiting"),
        ({"kind": "complaint"}, "new"),
        ({"category": ["service_attitude", "usage_question"]}, "urgent resolved"),
        ({"priority": "high"}, "urgent"),
        ({"priority": "low"}, "closed"),
        ({"urgency": "normal"}, "new waiting asked resolved"),
        ({"department": "after-sales", "status": "processing"}, "waiting"),
        ({"department": "logistics"}, ""),
        ({"clock": "callback"}, "resolved"),
        ({"clock": "acceptance"}, "new urgent asked"),
        ({"overdue": "true"}, ""),
        ({"overdue": "false", "status": "pending"}, "new urgent asked"),
        ({"incident_id": "none"}, ""),
        ({"sort": "-opened_at", "kind": ["complaint", "consultation"]}, "new resolved"),
    ],
)
async def test_each_filter_leaves_what_it_says(
    system: System, tickets: dict[str, str], filters: dict[str, Any], names: str
) -> None:
    found = await listed(system, product_model="LIST-1", **filters)
    assert sorted(found) == sorted(tickets[name] for name in names.split())


async def test_the_owner_filter_finds_co_owners_too(system: System) -> None:
    await system.hire("陈静", StaffRole.HANDLER, "after-sales")
    chen = system.ids["陈静"]
    own, helped = await system.accepted(owner="陈静"), await system.accepted()
    await system.do(helped, "assign", {"co_owners": [chen]}, by="周强")
    assert sorted(await listed(system, owner=chen)) == sorted([own, helped])


async def test_times_and_customers_filter(system: System, tickets: dict[str, str]) -> None:
    view = await system.get(f"/v1/tickets/{tickets['urgent']}")
    assert await listed(system, customer_id=view["customer"]["id"]) == [tickets["urgent"]]
    mine = {"product_model": "LIST-1"}
    opened = view["opened_at"]
    assert tickets["urgent"] in await listed(system, opened_from=opened, **mine)
    assert tickets["new"] not in await listed(system, opened_from=opened, **mine)
    assert await listed(system, opened_to=opened, **mine) == [tickets["new"]]
    due = view["next_due_at"]
    just_after = (datetime.fromisoformat(due) + timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    assert tickets["urgent"] not in await listed(system, due_before=due, **mine)
    assert tickets["urgent"] in await listed(system, due_before=just_after, **mine)
    far = (datetime.now(UTC) + timedelta(days=300)).isoformat().replace("+00:00", "Z")
    assert await listed(system, clock="callback", due_before=far, **mine) == [tickets["resolved"]]


async def test_what_is_due_next_comes_first_and_what_is_never_due_last(system: System, tickets: dict[str, str]) -> None:
    items = (await system.get("/v1/tickets", product_model="LIST-1"))["items"]
    due = [item["next_due_at"] or "9999" for item in items]
    assert due == sorted(due)
    assert due[-1] == "9999"
    assert await listed(system, product_model="LIST-1") == [item["ticket_no"] for item in items]
    newest = (await system.get("/v1/tickets", product_model="LIST-1", sort="-opened_at"))["items"]
    opened = [item["opened_at"] for item in newest]
    assert opened == sorted(opened, reverse=True)


async def test_pages_stay_in_step_while_tickets_arrive(system: System, tickets: dict[str, str]) -> None:
    first = await system.get("/v1/tickets", sort="-opened_at", limit=3, product_model="LIST-1")
    await system.register(product={"model": "LIST-2"})
    rest = await system.get("/v1/tickets", sort="-opened_at", product_model="LIST-1", cursor=first["next_cursor"])
    numbers = [item["ticket_no"] for item in first["items"] + rest["items"]]
    assert sorted(numbers) == sorted(tickets.values())


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "surprise=1", "status=open", "due_before=soon", "sort=owner", "cursor=x"],
)
async def test_a_wrong_parameter_is_refused_by_its_pointer(system: System, query: str) -> None:
    answer = await system.call("GET", f"/v1/tickets?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/" + query.partition("=")[0])


async def test_lists_follow_a_registration_within_two_seconds(system: System) -> None:
    ticket_no = await system.register(product={"model": "LIST-3"})

    async def is_listed() -> bool:
        return await listed(system, product_model="LIST-3") == [ticket_no]

    await until(is_listed, 4)  # the machine has other tests to run


async def test_search_finds_number_name_phone_digits_serial_and_text(system: System) -> None:
    ticket_no = await system.register(
        customer={"name": "司马相如", "phone": "+8613698765432", "customer_no": "C-SEARCH"},
        product={"model": "LIST-4", "serial_no": "SER-SEARCH", "order_no": "ORD-SEARCH"},
        description="抽屉卡住 stuck-drawer",
    )
    await system.get(f"/v1/tickets/{ticket_no}")
    for q in (ticket_no, "司马相如", "136 9876", "98765432", "C-SEARCH", "SER-SEARCH", "ORD-SEARCH", "stuck-drawer"):
        answer = await system.call("POST", "/v1/tickets/search", {"q": q})
        assert [item["ticket_no"] for item in answer.json()["items"]] == [ticket_no], q
    folded = (
        *(f"#{ticket_no}", f"{ticket_no[:8]}-{ticket_no[8:]}", "ser search", "ＳＥＲ－ｓｅａｒｃｈ", "#ord search"),
        *("c search", "司 马相如", "１３６９８７６", "STUCK-drawer"),
    )
    for q in folded:
        answer = await system.call("POST", "/v1/tickets/search", {"q": q})
        assert [item["ticket_no"] for item in answer.json()["items"]] == [ticket_no], q
    for q in ("#", "- -", "％"):
        assert (await system.call("POST", "/v1/tickets/search", {"q": q})).json()["items"] == [], q
    filtered = await system.call("POST", "/v1/tickets/search", {"q": "SER-SEARCH", "status": ["closed"]})
    assert filtered.json() == {"items": [], "next_cursor": None}
    masked = (await system.call("POST", "/v1/tickets/search", {"q": ticket_no})).json()["items"][0]["customer"]
    assert masked["phone"] == "136****5432"


async def test_a_ticket_is_found_by_parts_of_its_contact_where_the_searcher_reads_it_in_full(system: System) -> None:
    async def found(q: str, by: str) -> list[str]:
        answer = await system.call("POST", "/v1/tickets/search", {"q": q}, by=by)
        assert answer.status_code == 200, answer.text
        return [item["ticket_no"] for item in answer.json()["items"]]

    ticket_no = await system.register(customer={"name": "卓文君", "phone": "+8613698761111"})
    await system.get(f"/v1/tickets/{ticket_no}")
    for q in ("98761111", "卓文君", "13698761111"):
        assert await found(q, "李雷") == [ticket_no]
        assert await found(q, "林涛") == []
    await system.do(ticket_no, "accept", {"owner": system.ids["林涛"]}, by="李雷")
    for q in ("98761111", "卓文君"):
        assert await found(q, "林涛") == [ticket_no]
    await system.do(ticket_no, "withdraw", {"reason": "不需要了"}, by="李雷")
    assert await found("98761111", "李雷") == []
    assert await found("13698761111", "李雷") == [ticket_no]
    assert await found("98761111", "林涛") == [ticket_no]


async def test_search_pages(system: System) -> None:
    numbers = {await system.register(description="search-pages") for _ in range(4)}
    for ticket_no in numbers:
        await system.get(f"/v1/tickets/{ticket_no}")
    first = (await system.call("POST", "/v1/tickets/search", {"q": "search-pages", "limit": 3})).json()
    rest = await system.call(
        "POST", "/v1/tickets/search", {"q": "search-pages", "limit": 3, "cursor": first["next_cursor"]}
    )
    assert {item["ticket_no"] for item in first["items"] + rest.json()["items"]} == numbers


async def test_a_search_is_repeated_under_its_key(system: System) -> None:
    for replayed in ("", "true"):
        answer = await system.call("POST", "/v1/tickets/search", {"q": "x"}, Idempotency_Key="search-1")
        assert answer.headers.get("Idempotent-Replay", "") == replayed
    other = await system.call("POST", "/v1/tickets/search", {"q": "y"}, Idempotency_Key="search-1")
    assert other.json()["code"] == "idempotency_key_reused"


async def test_timeline_and_clocks_are_paged(system: System) -> None:
    ticket_no = await system.closed()
    for path, key in (("timeline", "seq"), ("clocks", "name")):
        whole = (await system.get(f"/v1/tickets/{ticket_no}/{path}"))["items"]
        shown: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await system.get(f"/v1/tickets/{ticket_no}/{path}", limit=2, **cursor)
            shown += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        # What the alerts and the survey remark may have come meanwhile, at the end of the timeline.
        told = shown[: len(whole)] if path == "timeline" else shown
        assert [item[key] for item in told] == [item[key] for item in whole]
        assert len(whole) > 2


async def test_the_overview_says_what_ticket_journal_and_clocks_say_alone(system: System) -> None:
    ticket_no = await system.accepted()
    path = f"/v1/tickets/{ticket_no}"
    overview = await system.get(f"{path}/overview")
    alone = {name: await system.get(f"{path}/{name}") for name in ("timeline", "clocks")}
    assert (overview["ticket"], overview["timeline"]) == (await system.get(path), alone["timeline"])
    assert overview["clocks"].keys() == alone["clocks"].keys()
    told = [[(it["name"], it["due_at"], it["explanation"]) for it in each["items"]]
            for each in (overview["clocks"], alone["clocks"])]  # fmt: skip
    assert told[0] == told[1] != []


async def test_the_overview_names_the_customers_latest_tickets_within_reach(system: System) -> None:
    customer = {"name": "韩梅梅", "phone": "+8613900007777"}
    first, *later = [await system.register(customer=customer) for _ in range(7)]
    elsewhere = await system.register(customer=customer, category="logistics_delay")
    for ticket_no in (*later, elsewhere):
        await system.get(f"/v1/tickets/{ticket_no}", by="郑洁")  # it is handed over by then
    shown = (await system.get(f"/v1/tickets/{first}/overview"))["others"]
    assert [each["ticket_no"] for each in shown] == later[:0:-1]
    assert shown[0].keys() == {"ticket_no", "kind", "status", "phase", "opened_at"}
    of_all = (await system.get(f"/v1/tickets/{first}/overview", by="郑洁"))["others"]
    assert [each["ticket_no"] for each in of_all] == [elsewhere, *later[:1:-1]]


async def test_clocks_that_start_together_keep_their_order_when_one_of_them_changes(system: System) -> None:
    ticket_no = await system.closed()
    path = f"/v1/tickets/{ticket_no}/clocks"
    before = [(item["name"], item["cycle"]) for item in (await system.get(path))["items"]]
    for name in ("response", "acceptance"):
        async with system.database.begin() as connection:
            mine = (clocks.c.ticket_no == ticket_no) & (clocks.c.name == name)
            await connection.execute(update(clocks).where(mine).values(round=clocks.c.round))
        assert [(item["name"], item["cycle"]) for item in (await system.get(path))["items"]] == before
    assert [name for name, _ in before][:2] == ["acceptance", "response"]


async def test_the_timeline_counts_from_one_without_gaps_and_tells_who_and_why(system: System) -> None:
    ticket_no = await system.closed()
    await system.do(ticket_no, "reopen", {"reason": "仍不制冷"}, by="李雷")
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline"))["items"]
    assert [item["seq"] for item in items] == list(range(1, len(items) + 1))
    assert set(items[0]) == {"seq", "type", "at", "actor", "from", "to", "cycle", "reason", "data"}
    reopened = next(item for item in items if item["type"] == "ticket.reopened")
    assert (reopened["reason"], reopened["cycle"]) == ("仍不制冷", 2)
    assert reopened["actor"] == {"kind": "staff", "id": system.ids["李雷"]}
    assert all(after["from"] == before["to"] for before, after in itertools.pairwise(items))


async def test_clocks_explain_themselves_in_chinese_and_english(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "wait", {"reason": "parts"}, by="林涛")
    for language, word in (("zh-CN", "工作"), ("en", "working")):
        answer = await system.call("GET", f"/v1/tickets/{ticket_no}/clocks", Accept_Language=language)
        by_name = {item["name"]: item for item in answer.json()["items"]}
        assert word in by_name["acceptance"]["explanation"]
        paused = by_name["resolution"]
        assert (paused["state"], paused["due_at"], paused["paused_reasons"]) == ("paused", None, ["parts"])
        assert [segment["state"] for segment in paused["segments"]] == ["running", "paused"]
        assert paused["segments"][-1]["to"] is None
        assert paused["calendar"] == {"id": "cn", "version": 1}
        assert paused["paused_seconds"] >= 0


async def test_a_reader_of_the_feed_misses_nothing_while_eight_write(system: System) -> None:
    start = (await _read(system, None))[1]
    written: dict[str, int] = {}

    async def write() -> None:
        for _ in range(3):
            ticket_no = await system.accepted()
            view = await system.do(ticket_no, "respond", {"message": "您好"}, by="林涛")
            written[ticket_no] = view["version"]

    writers = asyncio.gather(*(write() for _ in range(8)))
    events: list[dict[str, Any]] = []
    position = start
    while not writers.done():
        items, position = await _read(system, position)
        events += items
    await writers

    async def has_read_all() -> bool:
        nonlocal position
        items, position = await _read(system, position)
        events.extend(items)
        return all(sum(it["ticket_no"] == number for it in events) >= version for number, version in written.items())

    await until(has_read_all)
    ids = [item["id"] for item in events]
    assert len(ids) == len(set(ids))
    for ticket_no, version in written.items():
        assert [item["seq"] for item in events if item["ticket_no"] == ticket_no] == list(range(1, version + 1))
    again, _ = await _read(system, start)
    assert [item["id"] for item in again] == ids


async def test_the_feed_is_filtered_by_type_and_carries_no_text(system: System) -> None:
    ticket_no = await system.accepted()
    await system.do(ticket_no, "respond", {"message": "一句话"}, by="林涛")
    _, position = await _read(system, None)
    page = await system.get("/v1/events", type=["ticket.responded", "ticket.closed"], limit=200)
    assert {item["type"] for item in page["items"]} <= {"ticket.responded", "ticket.closed"}
    item = page["items"][-1]
    assert set(item) == {"type", "id", "occurred_at", "ticket_no", "seq", "data"}
    assert "一句话" not in str(page)
    assert (await system.get("/v1/events", cursor=position))["position"] == position


async def _read(system: System, position: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Everything from a position on, and where it ended."""
    items: list[dict[str, Any]] = []
    while True:
        page = await system.get("/v1/events", by="郑洁", limit=50, **({"cursor": position} if position else {}))
        items += page["items"]
        position = page["position"]
        if page["next_cursor"] is None:
            return items, position


async def appeared(system: System, model: str, ticket_nos: list[str]) -> None:
    """Wait until the list shows tickets: it follows within 2 s (api.md)."""

    async def are_there() -> bool:
        return await listed(system, product_model=model) == ticket_nos

    await until(are_there)


async def test_a_list_reads_again_what_was_written_and_nothing_else(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"model": "LIST-KNOWN"}
    first, second = await system.register(product=model), await system.register(product=model)
    await appeared(system, model["model"], [first, second])
    read: list[str] = []
    find = Queries.find_all_shown

    async def counted(self: Queries, ticket_nos: Sequence[str]) -> list[TicketRow]:
        read.extend(ticket_nos)
        return await find(self, ticket_nos)

    async def shown(by: str = "李雷") -> list[Any]:
        read.clear()
        return list((await system.get("/v1/tickets", by=by, product_model=model["model"]))["items"])

    async def written() -> set[Writing]:
        return {writing_of(ticket.row) for ticket in await find(Queries(system.database), [first, second])}

    before: set[Writing] = set()

    async def nothing_new() -> bool:
        before.update(await written())
        return [item["ticket_no"] for item in await shown()] == [first, second] and not read

    monkeypatch.setattr(Queries, "find_all_shown", counted)
    # Soon their notices and the engine have said what they have to say of the new tickets; mostly, both are silent.
    await until(nothing_new)
    await system.do(first, "accept", by="李雷")
    after = {item["ticket_no"]: item for item in await shown()}
    assert first in read
    assert set(read) <= {ticket_no for ticket_no, *_ in await written() - before}
    assert (after[first]["phase"], after[second]["phase"]) == ("processing.assigned", "pending.review")


async def test_what_is_written_beside_the_journal_shows_in_lists_too(system: System) -> None:
    ticket_no = await system.register(product={"model": "LIST-AMENDED"}, kind="complaint", complaint_about="张三")
    await appeared(system, "LIST-AMENDED", [ticket_no])
    (item,) = (await system.get("/v1/tickets", product_model="LIST-AMENDED"))["items"]
    assert item["complaint_about"] == "张三"
    async with system.database.begin() as connection:
        mine = update(ticket_table).where(ticket_table.c.ticket_no == ticket_no)
        await connection.execute(mine.values(complaint_about="李四"))
    (item,) = (await system.get("/v1/tickets", product_model="LIST-AMENDED"))["items"]
    assert item["complaint_about"] == "李四"


async def test_a_ticket_that_somebody_was_shown_shows_its_texts_to_no_other(system: System) -> None:
    ticket_no = await system.register(product={"model": "LIST-TEXTS"}, kind="complaint", complaint_about="张三")
    await appeared(system, "LIST-TEXTS", [ticket_no])
    asked = {"product_model": "LIST-TEXTS"}
    for name, about in (("李雷", "张三"), ("吴刚", None), ("李雷", "张三")):
        (item,) = (await system.get("/v1/tickets", by=name, **asked))["items"]
        assert item["complaint_about"] == about
        assert ("accept" in item["allowed"]) is (name == "李雷")
