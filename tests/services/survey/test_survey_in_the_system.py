"""The loop from a closing to the report, through every service: journal, notice, page, alert, figures."""

import re
from typing import Any

from tests.services.intake.customer_tickets import opened
from tests.services.survey.harness import JSON
from tests.services.system import System, until


async def survey_of(system: System, ticket_no: str, state: str) -> dict[str, Any]:
    """The newest survey of a ticket, as soon as it stands there."""
    found: dict[str, Any] = {}

    async def stands() -> bool:
        page = await system.get("/v1/surveys", by="王芳", ticket_no=ticket_no)
        found.update(page["items"][0] if page["items"] else {})
        return found.get("state") == state

    await until(stands)
    return found


async def types_of(system: System, ticket_no: str) -> list[str]:
    """Types of a ticket's events, in the order of the journal."""
    return [it["type"] for it in (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]]


async def test_a_closing_asks_the_customer_and_the_answer_reaches_journal_alert_and_report(system: System) -> None:
    model = "survey-loop"
    ticket_no = await system.closed(product={"model": model, "serial_no": "SER-LOOP"})
    survey = await survey_of(system, ticket_no, "sent")
    notices = (await system.get("/v1/notices", by="王芳", ticket_no=ticket_no, kind="survey"))["items"]
    assert [it["state"] for it in notices] == ["sent"]

    low = {**JSON, "scores": {**JSON["scores"], "attitude": 1}}
    answered = await system.http.post(await system.survey_page(survey["id"]), json=low)
    assert answered.status_code == 200, answered.text
    await survey_of(system, ticket_no, "answered")

    async def is_told() -> bool:
        return "survey.answered" in await types_of(system, ticket_no)

    await until(is_told)
    types = await types_of(system, ticket_no)
    assert [it for it in types if it.startswith("survey.")] == ["survey.sent", "survey.answered"]

    async def is_raised() -> bool:
        alerts = (await system.get("/v1/alerts", by="王芳", ticket_no=ticket_no, threshold="low_rating"))["items"]
        return len(alerts) == 1

    await until(is_raised)
    report = await system.get("/v1/reports/satisfaction", by="王芳", product_model=model)
    rows = {row["key"]: row for row in report["items"]}
    assert (rows["attitude"]["average"], rows["attitude"]["share_1_2"], rows["attitude"]["count"]) == (1.0, 1.0, 1)
    assert rows["attitude"]["quotations"] == ["师傅很准时"]
    elsewhere = await system.get("/v1/reports/satisfaction", by="许晴", product_model=model)
    assert elsewhere["summary"]["answered"] == 0


async def test_a_low_rating_corrected_upwards_is_told_to_the_feed_and_ends_its_alert(system: System) -> None:
    ticket_no = await system.closed()
    survey = await survey_of(system, ticket_no, "sent")
    page = await system.survey_page(survey["id"])
    for attitude in (1, 5):
        answer = {**JSON, "scores": {**JSON["scores"], "attitude": attitude}}
        answered = await system.http.post(page, json=answer)
        assert answered.status_code == 200, answered.text

        async def is_told(low: bool = attitude == 1) -> bool:
            events = (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"]
            told = [it["data"] for it in events if it["type"] == "survey.answered"]
            return bool(told) and told[-1]["low"] is low

        await until(is_told)

    async def is_over() -> bool:
        alerts = (await system.get("/v1/alerts", by="王芳", ticket_no=ticket_no, threshold="low_rating"))["items"]
        return [(it["state"], it["resolution"]) for it in alerts] == [("resolved", "rating_corrected")]

    await until(is_over)


async def test_a_reopening_withdraws_what_is_not_answered_and_the_next_closing_asks_again(system: System) -> None:
    ticket_no = await system.closed()
    first = await survey_of(system, ticket_no, "sent")
    page = await system.survey_page(first["id"])
    await system.do(ticket_no, "reopen", {"reason": "又坏了"}, by="李雷")
    await survey_of(system, ticket_no, "withdrawn")
    assert (await system.http.get(page)).status_code == 410
    refused = await system.call("POST", f"/v1/surveys/{first['id']}/hand-over-link", {}, by="王芳")
    assert (refused.status_code, refused.json()["code"]) == (410, "survey_withdrawn")
    await system.do(ticket_no, "resolve", {"result": "resolved", "summary": "再次更换"}, by="林涛")
    await system.do(ticket_no, "record-callback", {"outcome": "satisfied", "channel": "phone"}, by="李雷")
    second = await survey_of(system, ticket_no, "sent")
    assert (second["cycle"], second["id"] != first["id"]) == (2, True)


async def test_a_survey_s_link_that_is_handed_over_is_in_the_audit_log_once_and_never_in_a_list(system: System) -> None:
    ticket_no = await system.closed()
    survey = await survey_of(system, ticket_no, "sent")
    assert survey["link"] is None
    path, key = f"/v1/surveys/{survey['id']}/hand-over-link", {"Idempotency_Key": "hand-over"}
    given = [await system.call("POST", path, {}, by="王芳", **key) for _ in range(2)]
    assert [it.status_code for it in given] == [200, 200]
    assert given[0].json() == given[1].json()
    for by in ("林涛", "周强", "郑洁", "钱进", "孙磊"):
        assert (await system.call("POST", path, {}, by=by)).status_code == 403, by
    lines = (await system.get("/v1/audit", by="郑洁", ticket_no=ticket_no, limit=200))["items"]
    handed = [it for it in lines if it["what"] == "survey_link"]
    assert [it["reader"]["id"] for it in handed] == [system.ids["王芳"]]


async def test_the_customer_s_own_page_leads_to_the_survey_until_it_is_answered(system: System) -> None:
    ticket = await opened(system)
    await ticket.accept()
    await ticket.resolve()
    assert "/s/" not in await ticket.page()
    await ticket.client.do(ticket.address, "confirm")
    await survey_of(system, ticket.ticket_no, "sent")
    html = await ticket.page()
    found = re.search(r'href="(/s/[^"]+)"', html)
    assert found
    assert "去评价" in html
    assert (await system.http.post(found[1], json=JSON)).status_code == 200
    assert "/s/" not in await ticket.page()


async def test_an_answer_taken_by_phone_is_in_the_journal_with_who_took_it(system: System) -> None:
    ticket_no = await system.closed()
    survey = await survey_of(system, ticket_no, "sent")
    own = await system.call("POST", f"/v1/surveys/{survey['id']}/answer", JSON, by="林涛")
    assert own.status_code == 403
    recorded = await system.call("POST", f"/v1/surveys/{survey['id']}/answer", JSON, by="李雷")
    assert recorded.status_code == 200, recorded.text

    async def is_told() -> bool:
        return (await types_of(system, ticket_no))[-1] == "survey.answered"

    await until(is_told)
    last = (await system.get(f"/v1/tickets/{ticket_no}/timeline", limit=200))["items"][-1]
    assert last["data"]["recorded_by"] == system.ids["李雷"]


async def test_a_contact_is_nowhere_in_the_survey_s_schema(system: System) -> None:
    canary = "+8613912340987"
    ticket_no = await system.closed(customer={"name": "韩梅梅·金丝雀", "phone": canary})
    await survey_of(system, ticket_no, "sent")
    async with system.database.read() as connection:
        tables = await connection.exec_driver_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'survey'"
        )
        stored = ""
        for (table,) in tables.all():
            rows = await connection.exec_driver_sql(f'SELECT to_jsonb(t)::text FROM survey."{table}" t')
            stored += "".join(rows.scalars())
    assert ticket_no in stored
    assert canary.removeprefix("+86") not in stored
    assert "金丝雀" not in stored
