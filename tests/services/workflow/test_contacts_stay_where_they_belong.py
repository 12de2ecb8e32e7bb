"""Canaries: contacts of a customer that nobody but those entitled may ever see (invariants I14 and I15)."""

import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import WorkflowEnvironment

from services.contracts.directory import Scope
from tests.services.api_document import document
from tests.services.system import PEOPLE, System, alerted, listening, noticed, path_of, surveyed

NAME, PHONE, EMAIL, WECHAT, NUMBER = "金丝雀甲", "+8613755501234", "canary@feather.example", "wx-canary-77", "C-CANARY"
CONTACTS = (NAME, "13755501234", EMAIL, WECHAT)
SAID = "羽毛掉了一地"
"""Free text by staff and customer: it may hold anything, so it goes nowhere but to those who handle the ticket."""
HIDDEN = (*CONTACTS, SAID)
ENTITLED = {"李雷", "王芳", "林涛"}
"""The clerk and the supervisor of the queue, and the owner."""


@pytest.fixture(scope="module")
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, at the most talkative."""
    written = io.StringIO()
    root = logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(root.handlers[0].formatter if root.handlers else None)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
async def canary(system: System, logs: io.StringIO) -> str:
    """An open ticket of the canary's, through most of its life: a text in every command that takes one."""
    ticket_no = await system.register(
        customer={"name": NAME, "phone": PHONE, "email": EMAIL, "wechat_open_id": WECHAT, "customer_no": NUMBER},
        product={"model": "BCD-500"},
        kind="complaint",
        description=f"{SAID} {PHONE}",
        situation=SAID,
        already_tried=SAID,
        complaint_about=SAID,
    )
    owner = {"owner": system.ids["林涛"]}
    for command, body, by in (
        ("request-information", {"fields": ["product.serial_no"], "message": SAID}, "李雷"),
        ("customer-message", {"message": f"{SAID} {EMAIL}"}, "李雷"),
        ("supply-information", {"customer": {"wechat_open_id": WECHAT}, "situation": SAID, "message": SAID}, "李雷"),
        ("accept", owner, "李雷"),
        ("assign", {**owner, "reason": SAID}, "周强"),
        ("respond", {"message": SAID}, "林涛"),
        ("plan", {"steps": [SAID], "resources": SAID, "complex": True}, "林涛"),
        ("reject-plan", {"reason": SAID}, "周强"),
        ("progress", {"message": SAID, "visible": False}, "林涛"),
        ("wait", {"reason": "parts", "note": SAID}, "林涛"),
        ("resume", {"note": SAID}, "林涛"),
        ("chase", {"note": SAID}, "李雷"),
        ("promise", {"resolve_by": "2999-01-01T00:00:00Z", "reason": SAID}, "王芳"),
        ("reclassify", {"urgency": "low", "reason": SAID}, "李雷"),
        ("resolve", {"result": "partly_resolved", "summary": SAID, "reason": SAID, "resources": SAID}, "林涛"),
        ("record-callback", {"outcome": "dissatisfied", "channel": "phone", "note": SAID}, "李雷"),
    ):
        await system.do(ticket_no, command, body, by=by)
    system.ids["canary's notice"] = await noticed(system, ticket_no)
    system.ids["canary's webhook"] = await listening(system)
    system.ids["canary's alert"] = await alerted(system, ticket_no)
    system.ids["somebody's survey"] = await surveyed(system)
    system.ids["a publication"] = await published(system)
    return ticket_no


async def published(system: System) -> str:
    """The id of the publication of a policy that applies to nothing here."""
    path = "/v1/policies/crawled"
    await system.call("PUT", path, {"applies": [{"channel": "import", "tier": "vip"}]}, by="孙磊")
    answer = await system.call("POST", f"{path}/publish", {}, by="孙磊")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def shown(answer: httpx.Response) -> set[str]:
    """Parts of the canary that an answer tells, headers included."""
    told = answer.text + str(answer.headers)
    return {secret for secret in HIDDEN if secret in told}


async def crawl(system: System, ticket_no: str, by: str) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Every GET there is, with its pages, and the searches."""
    customer_id = await system_customer(system, ticket_no)
    values = {"ticket_no": ticket_no, "customer_id": customer_id, "policy_id": "d0-standard", "calendar_id": "cn",
              "identifier": system.ids["林涛"], "notice_id": system.ids["canary's notice"],
              "webhook_id": system.ids["canary's webhook"],
              "alert_id": system.ids["canary's alert"],
              "survey_id": system.ids["somebody's survey"],
              "template_id": "plan.en",
              "publication_id": system.ids["a publication"],
              "ladder_id": "default"}  # fmt: skip
    for template, operations in document()["paths"].items():
        if "get" in operations:
            path = path_of(template, **values)
            listed = any(each["name"] == "limit" for each in operations["get"].get("parameters", ()))
            if template.endswith("/stream"):
                yield template, await system.peek(path, by=by)
            else:
                yield template, await system.call("GET", path + ("?limit=200" if listed else ""), by=by)
    for q in (PHONE, NAME, NUMBER, ticket_no, SAID):
        yield "search", await system.call("POST", "/v1/tickets/search", {"q": q}, by=by)
        yield "customers", await system.call("POST", "/v1/customers/search", {"q": q}, by=by)
    for command in ("tag", "respond", "merge"):
        yield command, await system.give(ticket_no, command, {"message": PHONE, "into": NAME, "add": [EMAIL]}, by=by)


async def system_customer(system: System, ticket_no: str) -> str:
    return str((await system.get(f"/v1/tickets/{ticket_no}", by="郑洁"))["customer"]["id"])


@pytest.mark.parametrize("name", PEOPLE)
async def test_every_role_crawls_everything_and_only_the_entitled_see_the_canary(
    system: System, canary: str, name: str
) -> None:
    seen: dict[str, set[str]] = {}
    async for template, answer in crawl(system, canary, name):
        assert answer.status_code < 500, f"{template}: {answer.text}"
        seen[template] = seen.get(template, set()) | shown(answer)
    contacts = {template for template, found in seen.items() if found & set(CONTACTS)}
    texts = {template for template, found in seen.items() if SAID in found}
    if name in ENTITLED:
        assert "/v1/tickets/{ticket_no}" in contacts
        assert contacts <= {"/v1/tickets/{ticket_no}", "/v1/feedback/{ticket_no}", "/v1/customers/{customer_id}",
                            "/v1/tickets/{ticket_no}/timeline", "/v1/tickets/{ticket_no}/overview", "/v1/notices",
                            "/v1/notices/{notice_id}"}  # fmt: skip
    handles = name in {*ENTITLED, "周强", "郑洁"}
    for template in ("/v1/tickets/{ticket_no}/timeline", "/v1/tickets/{ticket_no}/overview"):
        assert (template in texts) == handles
    if not handles:
        assert not contacts | texts, f"{name} sees {contacts | texts}"


@pytest.mark.parametrize("scope", [None, Scope.CONTACTS_READ])
async def test_a_key_sees_a_contact_with_its_scope_alone(system: System, canary: str, scope: Scope | None) -> None:
    scopes = [Scope.TICKETS_READ, Scope.EVENTS_READ, Scope.CUSTOMERS_READ, *([scope] if scope else [])]
    key = await system.issue_key(f"reader {scope}", *scopes)
    seen = set()
    async for _, answer in crawl(system, canary, key):
        seen |= shown(answer)
    assert bool(seen & set(CONTACTS)) == (scope is not None)
    assert SAID not in seen


@pytest.mark.parametrize("with_notes", [False, True])
async def test_a_key_reads_free_text_with_the_right_to_notes_alone(
    system: System, canary: str, with_notes: bool
) -> None:
    others = (scope for scope in Scope if scope is not Scope.NOTES_READ)
    key = await system.issue_key(f"with notes: {with_notes}", *(Scope if with_notes else others))
    texts = set[str]()
    async for template, answer in crawl(system, canary, key):
        texts |= {template} if SAID in answer.text else set()
    found = await system.call("POST", "/v1/tickets/search", {"q": SAID}, by=key)
    assert [item["ticket_no"] for item in found.json()["items"]] == ([canary] if with_notes else [])
    of_ticket = {f"/v1/tickets/{{ticket_no}}/{each}" for each in ("timeline", "overview")}
    written = {*of_ticket, "/v1/feedback/{ticket_no}", "/v1/notices"}
    assert texts >= written if with_notes else texts == set()


async def test_those_who_are_not_entitled_see_a_shortened_contact(system: System, canary: str) -> None:
    for by in ("周强", "吴刚", "郑洁"):
        customer = (await system.get(f"/v1/tickets/{canary}", by=by))["customer"]
        assert (customer["masked"], customer["phone"], customer["name"]) == (True, "137****1234", "金*")


async def test_a_clerk_sees_no_contact_of_a_closed_ticket(system: System) -> None:
    ticket_no = await system.closed()
    for by in ("李雷", "王芳"):
        assert (await system.get(f"/v1/tickets/{ticket_no}", by=by))["customer"]["masked"] is True


async def test_every_full_reading_is_in_the_audit_log_one_to_one(system: System, canary: str) -> None:
    async def readings() -> int:
        page = await system.get("/v1/audit", by="郑洁", ticket_no=canary, limit=200)
        return len(page["items"])

    before = await readings()
    for path in (f"/v1/tickets/{canary}", f"/v1/tickets/{canary}/overview", f"/v1/feedback/{canary}"):
        answer = await system.call("GET", path, by="林涛", X_Request_Id="full-1")
        assert PHONE in answer.text
    await system.do(canary, "tag", {"add": ["audited"]}, by="李雷", X_Request_Id="full-2")
    for path in (f"/v1/tickets/{canary}/timeline", f"/v1/tickets/{canary}/clocks", "/v1/tickets"):
        await system.get(path, by="李雷")
    for by in ("周强", "吴刚", "郑洁"):
        await system.get(f"/v1/tickets/{canary}", by=by)
        await system.get(f"/v1/tickets/{canary}/overview", by=by)
    assert await readings() == before + 4
    newest = (await system.get("/v1/audit", by="郑洁", ticket_no=canary, limit=3))["items"]
    assert [item["request_id"] for item in newest] == ["full-2", "full-1", "full-1"]
    assert [item["reader"]["id"] for item in newest] == [system.ids[by] for by in ("李雷", "林涛", "林涛")]


async def test_no_canary_is_in_any_workflow_history(system: System, canary: str, engine: WorkflowEnvironment) -> None:
    async for found in engine.client.list_workflows(f"WorkflowId = 'ticket-{canary}'"):
        history = await engine.client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
        told = decoded(history.to_json_dict())
        assert "record-callback" in told
        assert not [secret for secret in (*HIDDEN, NUMBER) if secret in told]


async def test_no_canary_is_in_the_journal_the_clocks_or_the_stored_state(system: System, canary: str) -> None:
    async with system.database.read() as connection:
        for table, column in (("journal", "data"), ("clocks", "ledger"), ("tickets", "state"), ("tickets", "policy"),
                              ("commands", "command")):  # fmt: skip
            rows = await connection.execute(
                text(f"SELECT {column}::text FROM workflow.{table} WHERE ticket_no = :no"), {"no": canary}
            )
            told = "\n".join(value for (value,) in rows)
            assert told
            assert not [secret for secret in (*HIDDEN, NUMBER) if secret in told], table
        answers = await connection.execute(
            text("SELECT answer::text FROM workflow.commands WHERE ticket_no = :no"), {"no": canary}
        )
        assert not [secret for (value,) in answers for secret in (*CONTACTS, NUMBER) if value and secret in value]


async def test_no_canary_is_in_logs_or_metrics(system: System, canary: str, logs: io.StringIO) -> None:
    async for _ in crawl(system, canary, "赵敏"):
        pass
    async with httpx.AsyncClient(base_url=system.internal, trust_env=False) as http:
        metrics = (await http.get("/metrics")).text
    assert "bihuan_http_requests_total" in metrics
    for told in (metrics, logs.getvalue()):
        assert not [secret for secret in (*HIDDEN, NUMBER) if secret in told]
        assert canary not in metrics


def decoded(history: Any) -> str:
    """A history as text, its payloads in clear."""
    if isinstance(history, dict):
        inside = "".join(decoded(value) for value in history.values())
        data = history.get("data")
        if isinstance(data, str) and "metadata" in history:
            inside += base64.b64decode(data).decode(errors="replace")
            inside += json.dumps(json.loads(base64.b64decode(data) or b"null"), ensure_ascii=False)
        return inside
    if isinstance(history, list):
        return "".join(map(decoded, history))
    return str(history)
