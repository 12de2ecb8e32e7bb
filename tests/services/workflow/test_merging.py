"""A merge: what it goes into, what the kept ticket hears of it, and who stays informed (product.md 3)."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import select

from services.notify.notices.tables import notices
from services.workflow.commands.delivery import Ended
from services.workflow.commands.joins import Joins
from services.workflow.views.queries import Queries
from services.workflow.views.ticket_row import TicketRow
from tests.services.system import System, until

_phones = itertools.count(13700001000)
SATISFIED = {"outcome": "satisfied", "channel": "phone"}


def somebody() -> dict[str, Any]:
    """Another customer each time."""
    return {"name": "李华", "phone": f"+86{next(_phones)}"}


async def two(system: System, *, same: bool) -> tuple[str, str]:
    """A kept ticket and a copy, both accepted."""
    customer = somebody()
    kept = await system.accepted(customer=customer)
    return kept, await system.accepted(customer=customer if same else somebody())


async def merge(system: System, copy: str, kept: str, **more: Any) -> dict[str, Any]:
    """The copy after it was merged."""
    return await system.do(copy, "merge", {"into": kept, **more}, by="李雷")


async def events(system: System, ticket_no: str) -> Sequence[tuple[str, dict[str, Any]]]:
    """Types without their prefix, and data."""
    items = (await system.get(f"/v1/tickets/{ticket_no}/timeline", by="郑洁", limit="200"))["items"]
    return [(item["type"].partition(".")[2], item["data"]) for item in items]


async def refused(system: System, copy: str, body: dict[str, Any]) -> tuple[str, str]:
    """Pointer and code of a refusal, which changes nothing."""
    answer = await system.give(copy, "merge", body, by="李雷", Accept_Language="en")
    assert answer.status_code == 422, answer.text
    assert (await system.get(f"/v1/tickets/{copy}"))["status"] != "closed"
    (error,) = answer.json()["errors"]
    return error["pointer"], error["code"]


@pytest.mark.parametrize("same", [True, False])
async def test_the_kept_ticket_knows_of_its_copy_when_the_merge_is_answered(system: System, same: bool) -> None:
    kept, copy = await two(system, same=same)
    view = await merge(system, copy, kept, **({} if same else {"other_customer": True}))
    assert view["merged_into"] == kept
    (joined,) = [data for type_, data in await events(system, kept) if type_ == "copy_joined"]
    assert joined == {"copy": copy, "other_customer": not same}
    (merged,) = [data for type_, data in await events(system, copy) if type_ == "merged"]
    assert merged.get("other_customer", False) is not same
    assert (await system.get(f"/v1/tickets/{kept}"))["copies"] == [copy]


async def test_another_customer_s_ticket_takes_it_in_only_where_that_is_said(system: System) -> None:
    kept, copy = await two(system, same=False)
    assert await refused(system, copy, {"into": kept}) == ("/other_customer", "other_customer")
    assert await refused(system, copy, {"into": kept, "other_customer": False}) == ("/other_customer", "other_customer")
    assert (await system.get(f"/v1/tickets/{kept}"))["copies"] == []


async def test_a_closed_ticket_opens_again_when_it_takes_one_in(system: System) -> None:
    kept, copy = await two(system, same=True)
    await system.do(kept, "resolve", {"result": "resolved", "summary": "已换"}, by="林涛")
    await system.do(kept, "record-callback", SATISFIED, by="李雷")
    await merge(system, copy, kept)
    view = await system.get(f"/v1/tickets/{kept}")
    assert (view["phase"], view["cycle"], view["copies"]) == ("processing.assigned", 2, [copy])
    told = [(type_, data.get("cause")) for type_, data in await events(system, kept)]
    assert [it for it in told if it[0] in {"reopened", "copy_joined"}] == [
        ("reopened", "merged"), ("copy_joined", None)]  # fmt: skip


async def test_a_merged_ticket_takes_nothing_in(system: System) -> None:
    kept, copy = await two(system, same=True)
    await merge(system, copy, kept)
    late = await system.accepted()
    assert await refused(system, late, {"into": copy, "other_customer": True}) == ("/into", "merged")


async def test_of_two_that_are_merged_into_each_other_one_is_kept(system: System) -> None:
    first, second = await two(system, same=True)
    await asyncio.gather(
        system.give(first, "merge", {"into": second}, by="李雷"),
        system.give(second, "merge", {"into": first}, by="李雷"),
    )
    views = [await system.get(f"/v1/tickets/{number}") for number in (first, second)]
    assert sorted(view["status"] == "closed" for view in views) == [False, True]


async def test_the_copies_of_a_copy_come_along(system: System) -> None:
    kept, copy = await two(system, same=False)
    earlier = await system.accepted(customer=somebody())
    await merge(system, earlier, copy, other_customer=True)
    await merge(system, copy, kept, other_customer=True)
    await system.do(kept, "progress", {"message": "配件已到", "visible": True}, by="林涛")

    async def both_heard() -> bool:
        return all([await _news(system, number) for number in (copy, earlier)])

    await until(both_heard, 20)
    assert await _news(system, kept) == []


class _Moment(Queries):
    """Reads tickets as they were before the kept one was merged into another itself."""

    async def require(self, ticket_no: str) -> TicketRow:
        """One ticket, as it was."""
        found = await super().require(ticket_no)
        return TicketRow({**found.row, "join_pending": True, "ended": False})

    async def kept(self, copy: TicketRow) -> TicketRow:
        """The ticket that was kept then."""
        return await self.require(copy.row["merged_into"])


async def test_a_kept_ticket_that_is_merged_just_then_is_not_the_one_to_hear(system: System) -> None:
    kept, copy = await two(system, same=True)
    last = await system.accepted()
    await merge(system, copy, kept)
    await merge(system, kept, last, other_customer=True)
    door, remarks = AsyncMock(), AsyncMock()
    door.give.side_effect = Ended(await Queries(system.database).require(kept))
    joins = Joins(
        database=system.database, queries=_Moment(system.database), engine=AsyncMock(), door=door, remarks=remarks
    )
    await joins.tell(copy)
    door.give.assert_awaited_once()
    remarks.append.assert_not_awaited()


async def test_the_owner_and_both_customers_hear_what_is_theirs_and_no_contact_of_the_other(system: System) -> None:
    kept, copy = await two(system, same=False)
    await merge(system, copy, kept, other_customer=True)
    phone = (await system.get(f"/v1/tickets/{kept}"))["customer"]["phone"]
    await system.do(kept, "resolve", {"result": "resolved", "summary": f"已更换，有事请打 {phone}"}, by="林涛")
    await system.do(kept, "record-callback", SATISFIED, by="李雷")

    async def heard() -> bool:
        return len(await _news(system, copy)) == 2 and bool(await _told(system, kept, "copy_joined"))

    await until(heard, 20)
    assert [each["recipient"] for each in await _told(system, kept, "copy_joined")] == [system.ids["林涛"]]
    (closed,) = await _told(system, copy, "closed")
    assert kept in closed["text"]
    news = await _news(system, copy)
    assert all(kept in each["text"] and copy in each["subject"] for each in news)
    assert not [each for each in news if phone.removeprefix("+86") in each["text"]]


async def _told(system: System, ticket_no: str, kind: str) -> list[dict[str, Any]]:
    """Notices of a kind, as they were written: the API shows the words of a closed ticket to few."""
    sent = select(notices).where(notices.c.ticket_no == ticket_no, notices.c.kind == kind, notices.c.state == "sent")
    async with system.database.read() as connection:
        return [dict(row) for row in (await connection.execute(sent.order_by(notices.c.position))).mappings()]


async def _news(system: System, ticket_no: str) -> list[dict[str, Any]]:
    return await _told(system, ticket_no, "joined_news")
