"""The inbox: every notice as it was written, for trying the system without an account anywhere."""

from collections.abc import Callable

from tests.console.page_client import PageClient
from tests.services.system import System, noticed, until

Visit = Callable[..., PageClient]


async def test_a_notice_reads_as_the_customer_reads_it_but_for_their_link(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    notice_id = await noticed(system, ticket_no)
    client = visit("李雷")
    page = await client.get(f"/inbox?ticket_no={ticket_no}")
    assert ticket_no in page.text
    opened = await client.get(f"/inbox?ticket_no={ticket_no}&notice={notice_id}")
    assert "韩梅梅" in opened.text
    assert "客户的专属链接" in opened.text
    assert not any("/t/" in href for href, _ in opened.links)


async def test_whoever_does_not_see_the_contact_reads_no_text(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    notice_id = await noticed(system, ticket_no)
    page = await visit("郑洁").get(f"/inbox?view=all&notice={notice_id}")
    assert "只有经办该工单的人可见" in page.text
    assert "韩梅梅" not in page.source
    assert "/t/" not in page.source


async def test_another_department_sees_no_notice_of_ours(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted()
    notice_id = await noticed(system, ticket_no)
    page = await visit("钱进").get(f"/inbox?view=all&notice={notice_id}")
    assert ticket_no not in page.source


async def test_the_inbox_begins_with_what_is_addressed_to_the_reader(system: System, visit: Visit) -> None:
    ticket_no = await system.accepted(owner="林涛")

    async def mine() -> str:
        return (await visit("林涛").get("/inbox")).text

    async def told() -> bool:
        return ticket_no in await mine()

    await until(told, 30)
    assert "已收到您的反馈" not in await mine(), "customers' notices are under another tab"
    assert "已收到您的反馈" in (await visit("林涛").get("/inbox?view=all")).text


async def test_a_notice_is_sent_again_once_however_often_the_form_is(system: System, visit: Visit) -> None:
    ticket_no = await system.register()
    notice_id = await noticed(system, ticket_no)
    client = visit("李雷")
    form = (await client.get(f"/inbox?ticket_no={ticket_no}&notice={notice_id}")).form(f"/inbox/{notice_id}/resend")
    for _ in range(2):
        answer = await client.post(form.action, form.filled())
        assert answer.status_code == 303
    shown = await system.get(f"/v1/notices/{notice_id}", by="李雷")
    assert shown["resent"] == 1


async def test_an_empty_list_says_what_will_come(visit: Visit) -> None:
    assert "没有通知" in (await visit("孙磊").get("/inbox?state=failed&ticket_no=20000101001")).text
