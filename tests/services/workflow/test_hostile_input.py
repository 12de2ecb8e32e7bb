"""No input yields a 5xx, and none stops a ticket (invariant I18).

Every endpoint meets a part of the values, the next endpoint the next part; the slow run leaves none out.
"""

import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from services.runtime.http.paging import encode_cursor
from tests.services.api_document import document
from tests.services.system import System, feedback, running

LAST_INSTANT = "9999-12-31T23:59:59.999999Z"
FIRST_INSTANT = "0001-01-01T00:00:00Z"
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**63 - 1, -(2**63), 1e308, 0.1, "", " ", "x" * 20_001, "9" * 5_000, "é\u0301\u202e\ufeff",
    "'; DROP TABLE workflow.tickets; --", "{{7*7}}", "%00%ff", "../../etc/passwd", [], {}, [[]], [None], {"": {}},
    ["x"] * 300, {"a": [{"b": {}}]}, FIRST_INSTANT, LAST_INSTANT, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-02-30", "2026-11-20T06:30:60Z", "P99999999D", "PT0S", "-PT1H", "24:00",
)  # fmt: skip
RAW = (
    b'{"q": "\\u0000"}', b'{"q": "\\ud800"}', b"[" * 5_000, b'{"a":' * 2_000 + b"1" + b"}" * 2_000, b'{"q": NaN}',
    b'{"q": Infinity}', b'{"q": 1e400}', b'{"q": ' + b"9" * 4_000 + b"}", b'{"q": 1, "q": 2}', b"\xff\xfe", b"null",
    b'"text"', b"[]", b"0", b"{", b'{"q": "\xc0\x80"}',
)  # fmt: skip
SEGMENTS = ("%00", "%ff", "..%2f..", "%F0%9F%92%A9", "9" * 400, "-1", "%EF%BC%91" * 11, "20261122001%20", "x" * 3_000)
CURSORS = (
    "", "x", "====", "bnVsbA", "W10", encode_cursor([]), encode_cursor([2**62]), encode_cursor([-1]),
    encode_cursor(["abc", "x", 1]), encode_cursor([1, "x", 2**62]), encode_cursor([-1, "x", 1]),
    encode_cursor([2**62, "\x00", 1]), encode_cursor(["next_due_at", "2026-01-01T00:00:00", "1"]),
    encode_cursor(["-opened_at", "", ""]), encode_cursor(["next_due_at", "9999-12-31T23:59:59+00:00", "\x00"]),
    encode_cursor(["next_due_at", "0001-01-01T00:00:00+14:00", "1"]), encode_cursor({"a": 1}),
    encode_cursor(["2026-01-01T00:00:00", "x"]), encode_cursor("x" * 700), "A" * 1_001,
    encode_cursor(["9999-12-31T23:59:59.999999-23:59", "x"]), encode_cursor(["0001-01-01T00:00:00+23:59", "x"]),
    encode_cursor(["next_due_at", "9999-12-31T23:59:59.999999-23:59", "1"]),
)  # fmt: skip
PARTS = pytest.mark.parametrize("parts", [4, pytest.param(1, marks=pytest.mark.slow)])
QUERY_VALUES = (
    "", "-1", "9" * 30, "null", "a" * 3_000, LAST_INSTANT, "0001-01-01T00:00:00%2B14:00", "%F0%9F%92%A9%27%22--",
)  # fmt: skip


def operations(*methods: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in document()["paths"].items():
        for method, operation in found.items():
            if method in methods:
                yield method.upper(), path, operation


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return resolve(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for way in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(way, ()):
            if "$ref" in each:
                return resolve(each)
    return schema


def fields(operation: dict[str, Any]) -> list[tuple[str, ...]]:
    """The names of a body's fields, those of objects in it too."""
    body = resolve(operation["requestBody"]["content"]["application/json"]["schema"])
    found: list[tuple[str, ...]] = []
    for name, schema in body.get("properties", {}).items():
        found.append((name,))
        found += [(name, inner) for inner in resolve(schema).get("properties", {})]
    return found


def bodies(operation: dict[str, Any], luck: random.Random, turn: int, parts: int) -> Iterator[dict[str, Any]]:
    """Values drawn for every field at once, then for each field alone, where nothing else stops what follows."""
    names = fields(operation)
    for first in luck.sample(range(len(VALUES)), 12 // parts):
        body: dict[str, Any] = {}
        for place, name in enumerate(names):
            value = VALUES[(first + place) % len(VALUES)]
            inner = body.get(name[0])
            if len(name) == 1:
                body[name[0]] = value
            elif isinstance(inner, dict) or luck.random() < 0.5:
                body[name[0]] = {**(inner if isinstance(inner, dict) else {}), name[1]: value}
        yield body
    for name in taken(names, turn, parts):
        yield {name[0]: luck.choice(VALUES)}


def taken(values: Sequence[Any], turn: int, parts: int) -> Sequence[Any]:
    """One of the `parts` of the values, another each turn."""
    return values[turn % parts :: parts]


def check(answer: Any, told: object) -> None:
    assert answer.status_code < 500, f"{told}: {answer.status_code} {answer.text[:500]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"]
        assert problem["status"] == answer.status_code


def filled(path: str, value: str) -> str:
    head, _, tail = path.partition("{")
    return f"{head}{value}{tail.partition('}')[2]}" if tail else path


@pytest.fixture(scope="module")
async def system(
    engine: WorkflowEnvironment,
    fresh_database: Callable[[], AbstractAsyncContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[System]:
    """A system of its own: what happens to be legal publishes policies, quiet hours and texts for everybody."""
    address, folder = engine.client.service_client.config.target_host, tmp_path_factory.mktemp("hostile")
    async with fresh_database() as url, running(url, address, folder, namespace="hostile") as system:
        yield system


@pytest.fixture(scope="module")
async def ticket_no(system: System) -> str:
    return await system.accepted()


@pytest.fixture(scope="module")
async def key(system: System) -> str:
    """Lets every call through to where the input is read; the key with every scope."""
    return "admin"


@PARTS
async def test_no_body_of_wrong_types_and_sizes_is_answered_with_a_server_error(
    system: System, key: str, parts: int
) -> None:
    luck = random.Random(20240520)  # noqa: S311
    for turn, (method, path, operation) in enumerate(operations("post", "put", "patch")):
        if path.startswith(("/v1/staff", "/v1/api-keys", "/v1/departments", "/v1/token", "/v1/me")):
            continue
        # A ticket of its own: the one before may have been closed by then.
        target = filled(path, await system.accepted() if "{ticket_no}" in path else "hostile")
        for body in bodies(operation, luck, turn, parts):
            check(await system.call(method, target, body, by=key), (method, path, body))
    # What was legal may have been published: a policy for every ticket that promises nothing.
    retired = await system.call("POST", "/v1/policies/hostile/retire", {}, by=key)
    assert retired.status_code in {200, 404}, retired.text


@PARTS
async def test_no_body_that_is_no_json_of_ours_is_answered_with_a_server_error(
    system: System, ticket_no: str, key: str, parts: int
) -> None:
    headers = {"Authorization": f"Bearer {system.tokens[key]}", "Content-Type": "application/json"}
    for turn, (method, path, _) in enumerate(operations("post", "put", "patch")):
        for body in taken(RAW, turn, parts):
            answer = await system.http.request(method, filled(path, ticket_no), content=body, headers=headers)
            check(answer, (method, path, body[:50]))
            assert answer.status_code in {400, 401, 403, 404, 409, 422}, (method, path, body[:50], answer.text)


@PARTS
async def test_no_path_is_answered_with_a_server_error(system: System, key: str, parts: int) -> None:
    for turn, (method, path, _) in enumerate(operations("get", "post", "put", "patch")):
        if "{" in path:
            for segment in taken(SEGMENTS, turn, parts):
                body: dict[str, Any] | None = None if method == "GET" else {}
                check(await system.call(method, filled(path, segment), body, by=key), (method, path, segment))


@PARTS
async def test_no_query_is_answered_with_a_server_error(system: System, ticket_no: str, key: str, parts: int) -> None:
    turns = itertools.count()
    for method, path, operation in operations("get", "put"):
        names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
        for name in names:
            for value in taken(QUERY_VALUES, next(turns), parts):
                target = f"{filled(path, ticket_no)}?{name}={value}&{name}={value}"
                # A body that is refused: nothing of this is to be published.
                check(await system.call(method, target, {"x": 1} if method == "PUT" else None, by=key), target)


async def test_an_unknown_query_parameter_is_refused_by_its_pointer_on_every_endpoint(
    system: System, ticket_no: str, key: str
) -> None:
    for method, path, _ in operations("get", "post", "put", "patch", "delete"):
        for language, said in (("en", "Unknown query parameter"), ("zh", "未知字段")):
            target = filled(path, ticket_no) + "?surprise=1&utm_source=x&surprise=2"
            body: dict[str, Any] | None = None if method in {"GET", "DELETE"} else {}
            answer = await system.call(method, target, body, by=key, Accept_Language=language)
            # What a key has not, and what does not exist, is told first.
            if (answer.status_code == 404 and "{" in path) or (
                answer.status_code == 403 and path.startswith("/v1/me/")
            ):
                continue
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), (
                method,
                path,
                answer.text,
            )
            errors = answer.json()["errors"]
            assert [each["pointer"] for each in errors] == ["/surprise", "/utm_source"], (method, path)
            assert {(each["code"], each["message"]) for each in errors} == {("unknown_field", said)}
    assert (await system.call("GET", "/v1/tickets?surprise=1", by=None)).status_code == 401
    assert (await system.call("GET", "/v1/audit?surprise=1", by="林涛")).status_code == 403


async def test_head_is_answered_wherever_get_is_with_the_same_headers_and_no_body(
    system: System, ticket_no: str, key: str
) -> None:
    pages = ("/", "/f", "/f?utm_source=x", "/t/nobody", "/s/nobody", "/sign-in", "/docs", "/openapi.json", "/nowhere")
    for path in (*(filled(path, ticket_no) for _, path, _ in operations("get")), *pages):
        got = await (system.peek(path, by=key) if path.endswith("/stream") else system.call("GET", path, by=key))
        head = await system.call("HEAD", path, by=key)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert told_apart(head.headers) == told_apart(got.headers), path
    refused = await system.call("HEAD", "/v1/feedback", by=key)
    assert (refused.status_code, refused.headers["allow"], refused.content) == (405, "POST", b"")
    refused = await system.call("DELETE", "/v1/tickets", by=key)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def told_apart(headers: Any) -> dict[str, str]:
    """Headers that are not of each answer its own."""
    own = {"date", "x-request-id", "transfer-encoding", "connection", "content-length", "set-cookie"}
    return {name: value for name, value in headers.items() if name not in own}


@PARTS
async def test_a_forged_cursor_is_refused_by_its_pointer(system: System, ticket_no: str, key: str, parts: int) -> None:
    for turn, (method, path, operation) in enumerate(operations("get")):
        if not any(each["name"] == "cursor" for each in operation.get("parameters", ())):
            continue
        for cursor in taken(CURSORS, turn, parts):
            for sort in ("", "&sort=-opened_at") if path == "/v1/tickets" else ("",):
                answer = await system.call(method, f"{filled(path, ticket_no)}?cursor={cursor}{sort}", by=key)
                check(answer, (path, cursor))
                if answer.status_code == 422:
                    assert answer.json()["errors"][0]["pointer"] == "/cursor"
    searches = [path for _, path, operation in operations("post") if ("cursor",) in fields(operation)]
    assert searches == ["/v1/customers/search", "/v1/tickets/search"]
    for path in searches:
        for cursor in CURSORS:
            check(await system.call("POST", path, {"q": "x", "cursor": cursor}, by=key), (path, cursor))


@pytest.mark.parametrize("name", ["If-Match", "Idempotency-Key", "X-Request-Id", "Accept-Language"])
async def test_no_header_is_answered_with_a_server_error(system: System, ticket_no: str, name: str) -> None:
    for value in (
        "",
        "*",
        'W/"1"',
        '"1",' * 900,
        ",,",
        '"1" "2"',
        '"99999999999999999999"',
        "x" * 300,
        "\xff",
        "zh;q=9,en;q=x",
        '"1", "2"',
    ):
        headers = [(b"Authorization", f"Bearer {system.tokens['李雷']}".encode())]
        headers.append((name.encode(), value.encode("latin-1")))
        answer = await system.http.post(f"/v1/tickets/{ticket_no}/chase", headers=headers)
        check(answer, (name, value))


EXTREME: tuple[tuple[str, dict[str, Any]], ...] = (
    ("wait", {"reason": "parts", "until": LAST_INSTANT}),
    ("wait", {"reason": "customer", "until": FIRST_INSTANT}),
    ("wait", {"reason": "appointment"}),
    ("promise", {"resolve_by": LAST_INSTANT, "respond_by": LAST_INSTANT, "reason": "x"}),
    ("plan", {"steps": ["x" * 20_000] * 30, "expected_at": LAST_INSTANT}),
    ("plan", {"steps": "x", "expected_at": FIRST_INSTANT, "complex": True}),
    ("progress", {"message": "\u202e" * 20_000, "visible": True}),
    ("tag", {"add": [f"tag-{number}" for number in range(20)], "remove": ["none"]}),
    ("reclassify", {"subcategory": "a" * 64, "urgency": "urgent"}),
    ("supply-information", {"occurred_at": FIRST_INSTANT, "expected_by": LAST_INSTANT, "message": "x" * 20_000}),
    ("supply-information", {"impact": {"safety_risk": True, "affected_count": 1_000_000_000}}),
    ("supply-information", {"product": {"serial_no": "x" * 100, "purchased_on": "9999-12-31"}}),
    ("supply-information", {"expected_by": "0001-01-01"}),
    ("assign", {"co_owners": []}),
    ("resolve", {"result": "resolved", "summary": "x" * 20_000, "resources": "x" * 20_000}),
)
AFTER_RESOLVING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("wait", {"reason": "appointment", "until": LAST_INSTANT}),
    ("wait", {"reason": "appointment", "until": FIRST_INSTANT}),
    ("record-callback", {"outcome": "not_reached", "channel": "visit", "called_at": LAST_INSTANT,
                         "duration_seconds": 86_400}),
    ("record-callback", {"outcome": "residual_issue", "channel": "sms", "called_at": FIRST_INSTANT, "score": 1}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "body"), [*EXTREME, *AFTER_RESOLVING], ids=lambda it: str(it)[:40])
async def test_a_ticket_lives_on_after_the_furthest_values_that_are_legal(
    system: System, name: str, body: dict[str, Any]
) -> None:
    ticket_no = await (system.resolved() if (name, body) in AFTER_RESOLVING else system.accepted())
    answer = await system.give(ticket_no, name, body, by="admin")
    assert answer.status_code in {200, 422}, answer.text
    await system.do(ticket_no, "chase", by="李雷")
    await system.do(ticket_no, "tag", {"add": ["alive"]}, by="李雷")


async def test_the_furthest_values_that_a_feedback_may_hold_become_a_ticket(system: System) -> None:
    body = feedback(
        description="描" * 20_000,
        occurred_at=FIRST_INSTANT,
        expected_by=LAST_INSTANT,
        impact={"safety_risk": True, "affected_count": 1_000_000_000},
        product={"model": "型" * 100, "serial_no": "号" * 100, "purchased_on": "0001-01-01"},
        complaint_about="人" * 200,
        language="zh-Hans-CN",
    )
    answer = await system.call("POST", "/v1/feedback", body)
    assert answer.status_code == 201, json.dumps(answer.json(), ensure_ascii=False)
    await system.do(answer.json()["ticket_no"], "accept", by="李雷")
