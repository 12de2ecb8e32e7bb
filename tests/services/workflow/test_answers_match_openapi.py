"""The OpenAPI document tells the truth: every endpoint's real answers have the shape that it declares (api.md)."""

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from services.commands.openapi import APIS
from services.contracts.base import format_instant
from services.contracts.commands.table import BODIES
from services.contracts.directory import Scope
from tests.generated import generated
from tests.services.api_document import document
from tests.services.system import System, alerted, feedback, listening, noticed, path_of, surveyed, until

Answer = tuple[str, httpx.Response]
TICKET, ALERT = "/v1/tickets/{ticket_no}", "/v1/alerts/{alert_id}"
READERS = ("郑洁", "李雷", "赵敏")
"""The auditor reads everything; 李雷 sees the contact in full; 赵敏 is of another department."""
LIFE: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("request-information", {"fields": ["product.serial_no"], "message": "请提供序列号"}, "李雷"),
    ("customer-message", {"message": "稍等"}, "李雷"),
    ("supply-information", {"product": {"serial_no": "SER-1"}, "message": "在这里"}, "李雷"),
    ("accept", {"subcategory": "cooling", "complex": True}, "李雷"),
    ("assign", {"owner": "林涛", "reason": "熟悉机型"}, "周强"),
    ("respond", {"message": "已安排"}, "林涛"),
    ("plan", {"steps": ["更换"], "complex": True}, "林涛"),
    ("reject-plan", {"reason": "太慢"}, "周强"),
    ("plan", {"steps": ["更换压缩机"], "resources": "压缩机", "complex": True}, "林涛"),
    ("approve-plan", {"note": "同意"}, "周强"),
    ("progress", {"message": "配件已订", "visible": True}, "林涛"),
    ("wait", {"reason": "parts", "note": "等配件"}, "林涛"),
    ("resume", {}, "林涛"),
    ("chase", {"note": "客户来电"}, "李雷"),
    ("tag", {"add": ["recall"]}, "林涛"),
    ("promise", {"resolve_by": "2999-01-01T00:00:00Z", "reason": "配件"}, "王芳"),
    ("reclassify", {"urgency": "urgent", "reason": "有小孩"}, "李雷"),
    ("resolve", {"result": "partly_resolved", "summary": "已更换", "reason": "仍有噪音", "cause": "hardware"}, "林涛"),
    ("record-callback", {"outcome": "dissatisfied", "channel": "phone", "note": "仍响", "score": 2}, "李雷"),
    ("resolve", {"result": "resolved", "summary": "已消除噪音"}, "林涛"),
    ("record-callback", {"outcome": "satisfied", "channel": "phone", "score": 5}, "李雷"),
    ("reopen", {"reason": "又响了"}, "李雷"),
    ("close-unresolved", {"reason_code": "no_parts", "reason": "停产"}, "王芳"),
)
"""A ticket's life through every command that one ticket can live through."""
QUERIES = {
    "GET /v1/calendars/{calendar_id}/compare": "?from=1&to=1",
    "GET /v1/calendars/{calendar_id}/days": "?year=2026",
    "GET /v1/calendars/{calendar_id}/export": "?format=json",
    "GET /v1/policies/{policy_id}/compare": "?from=1&to=1",
    "GET /v1/ladders/{ladder_id}/plan": "?clock=response",
}
"""What an endpoint cannot do without, or says more with."""
ONE_DOCUMENT = {
    "/v1/calendars/{calendar_id}/compare",
    "/v1/ladders/{ladder_id}/plan",
    "/v1/notice-templates",
    "/v1/policies/{policy_id}/compare",
    "/v1/policy-packs",
    "/v1/tickets/counts",
}
"""Lists that say something only as a whole, and do not grow."""

NO_JSON = {"/v1/alerts/stream": "text/event-stream", "/v1/calendars/{calendar_id}/export": "text/calendar"}
"""What is answered otherwise, and declared so; an export can be had as JSON too, which the import of the walk takes."""


class EndpointWalk:
    """Calls endpoints by their names in the document and keeps every answer."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.answers: list[Answer] = []

    async def call(
        self, endpoint: str, body: Any = None, *, by: str | None = "admin", key: str = "", **values: str
    ) -> Any:
        """Answers the body of a success; whoever may not gets a problem, which is no part of this."""
        method, template = endpoint.split()
        headers = {"Idempotency_Key": key} if key else {}
        path = path_of(template, **values) + QUERIES.get(endpoint, "")
        if template.endswith("/stream"):
            self.answers.append((endpoint, await self.system.peek(path, by=by)))
            return None
        answer = await self.system.call(method, path, body, by=by, **headers)
        assert answer.status_code < 300 or answer.status_code == 403, f"{endpoint}: {answer.text}"
        if answer.status_code < 300:
            self.answers.append((endpoint, answer))
        return answer.json()

    async def give(self, ticket_no: str, command: str, body: dict[str, Any], by: str) -> Any:
        """A command, which must be taken, and the same once more under its key."""
        if "owner" in body:
            body = {**body, "owner": self.system.ids[body["owner"]]}
        key = f"{ticket_no}-{command}-{len(self.answers)}"
        for _ in range(2):
            answer = await self.call(f"POST {TICKET}/{command}", body, by=by, key=key, ticket_no=ticket_no)
            assert "ticket_no" in answer, answer
        return answer


@pytest.fixture(scope="module")
async def walked(system: System) -> list[Answer]:
    """Answers of every endpoint there is."""
    walk = EndpointWalk(system)
    ticket_no = await _lives(walk)
    await _promises(walk)
    await _publications(walk)
    await _registers(walk)
    await _directory(walk)
    await _notices(walk, ticket_no)
    await _alerts(walk)
    await _surveys(walk)
    await _webhooks(walk)
    await _reads(walk, ticket_no)
    return walk.answers


async def _lives(walk: EndpointWalk) -> str:
    """Tickets through every command; answers the one that went through most."""
    system = walk.system
    ticket_no = await system.register(kind="fault")
    for command, body, by in LIFE:
        await walk.give(ticket_no, command, body, by)
    await walk.give(await system.register(), "withdraw", {"reason": "误报"}, "李雷")
    kept = {"into": await system.register(), "other_customer": True}
    await walk.give(await system.register(), "merge", kept, "李雷")
    body = feedback(expected_by="2999-01-01", impact={"safety_risk": True})
    for _ in range(2):
        await walk.call("POST /v1/feedback", body, by="李雷", key="walk-feedback")
    for q in (ticket_no, "韩梅梅"):
        await walk.call("POST /v1/tickets/search", {"q": q}, by="李雷")
        await walk.call("POST /v1/customers/search", {"q": q}, by="李雷")
    return ticket_no


async def _promises(walk: EndpointWalk) -> None:
    """Policies and calendars, and a promise that is broken and explained."""
    system = walk.system
    rule = {"applies": [{"channel": "chat", "kind": "suggestion"}], "clocks": {"acceptance": {"target": "PT1S"}}}
    await walk.call("PUT /v1/policies/{policy_id}", {"calendar": "always", **rule}, policy_id="walk")
    await system.call("PUT", "/v1/policies/walk?publish=true", {"calendar": "always", **rule}, by="孙磊")
    hours = {"time_zone": "Asia/Shanghai", "hours": {"mon": {"09:00": "18:00"}}, "title": {"en": "Mondays"}}
    await walk.call("PUT /v1/calendars/{calendar_id}", hours, calendar_id="walk")
    checks = [
        {"op": "add", "at": "2026-09-28T01:30:00Z", "duration": "PT2WH"},
        {"op": "between", "at": "2026-09-28T01:00:00Z", "until": "2026-09-28T01:00:00.5Z"},
    ]
    await walk.call("POST /v1/calendars/evaluate", {"calendar_id": "always", "checks": checks})
    late = await system.register(channel="chat", kind="suggestion")

    async def is_breached() -> bool:
        return "explain-breach" in (await system.get(f"/v1/tickets/{late}"))["allowed"]

    await until(is_breached)
    await walk.call(f"GET {TICKET}", by="李雷", ticket_no=late)
    await walk.call(f"GET {TICKET}/clocks", by="李雷", ticket_no=late)
    await walk.give(late, "explain-breach", {"clock": "acceptance", "reason": "人手不足"}, "李雷")
    await walk.call("POST /v1/feedback/{ticket_no}/hand-over-link", {}, by="王芳", ticket_no=late)
    for _ in range(2):
        await walk.call("POST /v1/feedback/{ticket_no}/revoke-link", {}, by="王芳", key="walk-link", ticket_no=late)


async def _publications(walk: EndpointWalk) -> None:
    """Preview and publish the last version; open tickets keep theirs, other tests look at them."""
    for kind, of in (("policies", {"policy_id": "walk"}), ("calendars", {"calendar_id": "walk"})):
        path = f"/v1/{kind}/{{{next(iter(of))}}}"
        await walk.call(f"POST {path}/preview", {"items": {"limit": 200}}, **of)
        made = [await walk.call(f"POST {path}/publish", {}, key=f"walk-{kind}", **of) for _ in range(2)][-1]
    walk.system.ids["publication"] = made["id"]
    await walk.call("POST /v1/publications/{publication_id}/retry", {}, publication_id=made["id"])


async def _registers(walk: EndpointWalk) -> None:
    """Call the remaining endpoints of policies, calendars, ladders and quiet hours."""
    of = {"policy_id": "walk"}
    await walk.call("POST /v1/policies/lint", {"clocks": {"response": {"target": "PT0S"}}})
    await walk.call("POST /v1/policy-packs/{pack_id}/adopt", {"kind": ["praise"]}, key="walk-adopt", pack_id="d3")
    order = await walk.call("GET /v1/policy-order")
    await walk.call("PUT /v1/policy-order", {"ids": order["ids"]})
    await walk.call("POST /v1/policies/{policy_id}/retire", {}, key="walk-retire", **of)
    calendar = await walk.call("GET /v1/calendars/{calendar_id}/export", calendar_id="walk")
    await walk.call("POST /v1/calendars/{calendar_id}/import", calendar, key="walk-import", calendar_id="walk")
    ladder = await walk.call("GET /v1/ladders/{ladder_id}", ladder_id="default")
    of_its_own = {name: ladder[name] for name in ("title", "breach", "low_rating")}
    await walk.call("PUT /v1/ladders/{ladder_id}", of_its_own, ladder_id="walk")
    await walk.call("PUT /v1/quiet-hours", {"customer": None, "staff": None})


async def _directory(walk: EndpointWalk) -> None:
    """Departments, people and keys, made and changed; somebody who signs in and sets a new password."""
    await walk.call("POST /v1/departments", {"id": "walk", "name": "试"})
    await walk.call("PATCH /v1/departments/{identifier}", {"name": "试用"}, identifier="walk")
    person = {"username": "walker", "name": "行者", "roles": ["clerk"], "password": "correct horse battery"}
    made = await walk.call("POST /v1/staff", person)
    await walk.call("PATCH /v1/staff/{identifier}", {"department": "walk"}, identifier=made["id"])
    credentials = {"username": "walker", "password": "correct horse battery"}
    token = await walk.call("POST /v1/token", credentials, by=None)
    walk.system.tokens["行者"] = token["access_token"]
    renewed = {"current": "correct horse battery", "new": "battery horse correct"}
    await walk.call("POST /v1/me/password", renewed, by="行者")
    await walk.call("POST /v1/me/sign-out", {}, by="行者")
    key = await walk.call("POST /v1/api-keys", {"name": "walk", "scopes": [Scope.TICKETS_READ]}, key="walk-key")
    await walk.call("PATCH /v1/api-keys/{identifier}", {"active": False}, identifier=key["id"])
    walk.system.ids["walk"] = key["id"]


async def _notices(walk: EndpointWalk, ticket_no: str) -> None:
    """A notice that is sent anew, and a text that is edited and tried."""
    walk.system.ids["notice"] = await noticed(walk.system, ticket_no)
    for _ in range(2):
        await walk.call("POST /v1/notices/{notice_id}/resend", {}, key="walk", notice_id=walk.system.ids["notice"])
    text = {"subject": "{{ ticket_no }}", "text": "{{ message | quote }}"}
    await walk.call("PUT /v1/notice-templates/{template_id}", text, template_id="answered.en")
    await walk.call("POST /v1/notice-templates/{template_id}/preview", text, template_id="answered.en")


async def _alerts(walk: EndpointWalk) -> None:
    """An alert, answered in every way, and a shift that comes and goes."""
    alert_id = await alerted(walk.system, await walk.system.accepted())
    walk.system.ids["alert"] = alert_id
    answers: Sequence[tuple[str, dict[str, Any]]] = (
        ("acknowledge", {}),
        ("snooze", {"until": format_instant(datetime.now(UTC) + timedelta(hours=1))}),
        ("hand-over", {"staff": walk.system.ids["林涛"]}),
        ("resolve", {"note": "已电话联系"}),
    )
    for answer, body in answers:
        for _ in range(2):
            await walk.call(f"POST {ALERT}/{answer}", body, by="王芳", key=f"walk-{answer}", alert_id=alert_id)
    shift = {"staff": walk.system.ids["林涛"], "from_at": "2031-11-20T00:00:00Z", "to_at": "2031-11-21T00:00:00Z"}
    made = [await walk.call("POST /v1/on-call", shift, key=f"walk-{number}") for number in (1, 1, 2)]
    walk.system.ids["shift"] = made[0]["id"]
    await walk.call("PATCH /v1/on-call/{identifier}", {"department": "after-sales"}, identifier=made[0]["id"])
    await walk.call("DELETE /v1/on-call/{identifier}", identifier=made[2]["id"])


async def _surveys(walk: EndpointWalk) -> None:
    """An answer taken by phone, and one that nobody gave yet."""
    walk.system.ids["survey"] = await surveyed(walk.system)
    endpoint, survey_id = "POST /v1/surveys/{survey_id}/answer", await surveyed(walk.system)
    await walk.call("POST /v1/surveys/{survey_id}/hand-over-link", {}, by="李雷", survey_id=survey_id)
    scores = dict.fromkeys(("response_speed", "problem_solving", "attitude", "convenience"), 4)
    answer = {"scores": scores, "overall": "satisfied", "recommend": 8, "solved_first_time": True, "suggestion": "好"}
    for _ in range(2):
        await walk.call(endpoint, answer, by="李雷", key="walk-survey", survey_id=survey_id)


async def _webhooks(walk: EndpointWalk) -> None:
    """A webhook made, changed, tried, and another one deleted."""
    mine = await listening(walk.system)
    walk.system.ids["webhook"] = mine
    body = {"url": "http://127.0.0.1:9/", "types": ["ticket.merged"]}
    made = [await walk.call("POST /v1/webhooks", body, key="walk-webhook") for _ in range(2)][-1]
    await walk.call("DELETE /v1/webhooks/{webhook_id}", webhook_id=made["id"])
    await walk.call("PATCH /v1/webhooks/{webhook_id}", {"description": "ERP"}, webhook_id=mine)
    for _ in range(2):
        await walk.call("POST /v1/webhooks/{webhook_id}/rotate-secret", {}, key="walk-rotation", webhook_id=mine)
    test = await walk.call("POST /v1/webhooks/{webhook_id}/test", {}, webhook_id=mine)
    again = {"delivery_id": test["id"]}
    await walk.call("POST /v1/webhooks/{webhook_id}/redeliver", again, webhook_id=mine)


async def _reads(walk: EndpointWalk, ticket_no: str) -> None:
    """Every GET there is, by people who see more and less."""
    system = walk.system
    customer_id = (await system.get(f"/v1/tickets/{ticket_no}", by="郑洁"))["customer"]["id"]
    endpoint = "PATCH /v1/customers/{customer_id}"
    preferred = {"tags": ["loyal"], "preferred_hours": {"from": "09:00", "until": "12:00"}}
    await walk.call(endpoint, preferred, by="王芳", customer_id=customer_id)
    identifiers = {
        "/v1/departments/{identifier}": "walk",
        "/v1/staff/{identifier}": system.ids["林涛"],
        "/v1/api-keys/{identifier}": system.ids["walk"],
        "/v1/on-call/{identifier}": system.ids["shift"],
    }
    values = {"ticket_no": ticket_no, "customer_id": customer_id, "policy_id": "d0-standard", "calendar_id": "cn",
              "ladder_id": "default"}  # fmt: skip
    for (method, template), by in itertools.product(operations(), READERS):
        if method == "get":
            found = {**values, "identifier": identifiers.get(template, ""), "survey_id": system.ids["survey"],
                     "notice_id": system.ids["notice"], "webhook_id": system.ids["webhook"],
                     "alert_id": system.ids["alert"], "template_id": "answered.en",
                     "publication_id": system.ids["publication"]}  # fmt: skip
            await walk.call(f"GET {template}", by=by, **found)


def operations() -> Iterator[tuple[str, str]]:
    """Method and path of every operation of the document."""
    for path, described in document()["paths"].items():
        for method in described:
            yield method, path


def models() -> dict[str, Any]:
    """The model that each endpoint declares."""
    routers = [import_module(name).router for name in APIS]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return {f"{method} {route.path_format}": route.response_model for route in routes for method in route.methods or ()}


def test_every_endpoint_s_answer_was_looked_at(walked: list[Answer]) -> None:
    assert {endpoint for endpoint, _ in walked} == {f"{method.upper()} {path}" for method, path in operations()}
    assert {f"POST {TICKET}/{command}" for command in BODIES} <= {endpoint for endpoint, _ in walked}


def test_every_answer_has_the_fields_of_its_model_and_no_others(walked: list[Answer]) -> None:
    declared = models()
    for endpoint, answer in walked:
        if endpoint.split()[1] in NO_JSON:
            continue
        model = TypeAdapter(declared[endpoint])
        shown = model.dump_python(model.validate_json(answer.text), mode="json", by_alias=True)
        assert shown == answer.json(), endpoint


def test_a_generated_client_reads_every_answer(walked: list[Answer], tmp_path: Path) -> None:
    paths = document()["paths"]
    with generated(tmp_path) as client:
        modules = client.operations()
        strict = client.package.Client(base_url="", raise_on_unexpected_status=True)
        for endpoint, answer in walked:
            method, template = endpoint.split()
            operation = modules[paths[template][method.lower()]["operationId"]]
            read = operation._parse_response(client=strict, response=answer)
            assert template in NO_JSON or read.to_dict().keys() == answer.json().keys(), endpoint


def test_every_answer_has_the_status_and_the_headers_that_are_declared(walked: list[Answer]) -> None:
    paths = document()["paths"]
    told: dict[str, set[str]] = {}
    for endpoint, answer in walked:
        method, template = endpoint.split()
        declared = paths[template][method.lower()]["responses"][str(answer.status_code)].get("headers", {})
        carried = {name for name in ("ETag", "Location", "Idempotent-Replay") if name in answer.headers}
        assert carried <= declared.keys(), endpoint
        assert declared.keys() - {"Idempotent-Replay"} <= carried, endpoint
        told.setdefault(endpoint, set()).update(carried)
    replayed = {endpoint for endpoint, carried in told.items() if "Idempotent-Replay" in carried}
    assert {"POST /v1/feedback", *(f"POST {TICKET}/{command}" for command in BODIES)} <= replayed


def test_the_document_is_openapi_3_1_and_its_references_lead_somewhere() -> None:
    written = document()
    assert re.fullmatch(r"3\.1\.\d+", written["openapi"])
    assert OpenAPI.model_validate(written).paths
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(written)))
    assert references <= written["components"]["schemas"].keys()
    described = [operation for each in written["paths"].values() for operation in each.values()]
    names = [operation["operationId"] for operation in described]
    assert len(names) == len(set(names))


def test_every_success_has_a_schema_and_every_operation_its_problems() -> None:
    written = document()
    for method, path in operations():
        responses = written["paths"][path][method]["responses"]
        successes = [answer for status, answer in responses.items() if status.startswith("2")]
        assert successes, path
        answered = NO_JSON.get(path, "application/json")
        assert all(list(answer["content"]) == [answered] for answer in successes), f"{method} {path}"
        assert path in NO_JSON or all(answer["content"][answered]["schema"] for answer in successes), f"{method} {path}"
        for failures in ("4XX", "5XX"):
            assert responses[failures]["content"]["application/problem+json"]["schema"], path
        assert "default" not in responses, path


def test_every_list_is_read_in_pages_of_the_callers_choice() -> None:
    written, whole = document(), set()
    for path in (path for method, path in operations() if method == "get"):
        operation = written["paths"][path]["get"]
        taken = {it["name"] for it in operation.get("parameters", ())}
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        model = answer.get("schema", {}).get("$ref", "").removeprefix("#/components/schemas/")
        is_list = "items" in written["components"]["schemas"].get(model, {}).get("properties", {})
        if is_list and not {"limit", "cursor"} <= taken:
            whole.add(path)
    assert whole == ONE_DOCUMENT


def test_a_key_may_be_given_wherever_a_signed_in_caller_posts_and_a_version_wherever_one_is_obeyed() -> None:
    written = document()
    keyed, conditional = set(), set()
    for method, path in operations():
        headers = {it["name"] for it in written["paths"][path][method].get("parameters", ()) if it["in"] == "header"}
        keyed |= {(method, path)} if "Idempotency-Key" in headers else set()
        conditional |= {(method, path)} if "If-Match" in headers else set()
    assert keyed == {(method, path) for method, path in operations() if method == "post" and path != "/v1/token"}
    commands = {("post", f"{TICKET}/{command}") for command in BODIES}
    assert conditional == commands | {
        ("put", "/v1/policies/{policy_id}"),
        ("put", "/v1/calendars/{calendar_id}"),
        ("post", "/v1/calendars/{calendar_id}/import"),
        ("put", "/v1/ladders/{ladder_id}"),
        ("put", "/v1/quiet-hours"),
        ("put", "/v1/notice-templates/{template_id}"),
        ("patch", "/v1/webhooks/{webhook_id}"),
        ("delete", "/v1/webhooks/{webhook_id}"),
        *(("post", f"{ALERT}/{answer}") for answer in ("acknowledge", "snooze", "hand-over", "resolve")),
    }
