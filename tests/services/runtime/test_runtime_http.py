"""Load, versions, lists, the internal port, logs and the document of an app."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog
from limits import parse

from services.runtime import telemetry
from services.runtime.errors import Conflict, RateLimited, Unavailable, ValidationFailed
from services.runtime.http.app import create_app
from services.runtime.http.internal import create_internal_app
from services.runtime.http.limits import Windows
from services.runtime.http.paging import decode_cursor, encode_cursor
from services.runtime.http.problems import preferred_language
from services.runtime.http.server import Server
from services.runtime.role_parts import Part
from services.runtime.security.auth import SESSION_COOKIE, Authenticator
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings
from tests.services.in_process_client import InsidePeer
from tests.services.runtime.conftest import KeyPair, serving
from tests.services.runtime.sample_app import SECRET, router
from tests.services.runtime.test_runtime_auth import lilei


@asynccontextmanager
async def limited(keys: KeyPair, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    settings = RuntimeSettings.model_validate(changes)
    known = Authenticator(verify_key_pem=keys.public, internal_secret=SECRET, directory=None)
    app = create_app("shop", router, settings=settings, authenticator=known)
    async with serving(app, settings) as server, reaching(server) as client:
        yield client


def reaching(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}")


async def test_a_caller_beyond_their_rate_is_told_when_to_return(keys: KeyPair) -> None:
    async with limited(keys, rate_limit="3/minute") as client:
        signed_in = {"Authorization": "Bearer " + lilei(keys)}
        answers = [await client.get("/v1/me", headers=signed_in) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[3].json()["code"] == "rate_limited"
        assert 1 <= int(answers[3].headers["retry-after"]) <= 60
        assert (await client.get("/v1/me", headers={"Authorization": "Bearer " + SECRET})).status_code == 200


async def test_guessing_tokens_counts_against_the_address(keys: KeyPair) -> None:
    async with limited(keys, anonymous_rate_limit="2/minute") as client:
        answers = [await client.get("/v1/me", headers={"Authorization": f"Bearer {n}"}) for n in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert (await client.get("/v1/orders/1")).status_code == 429
        assert (await client.get("/v1/me", headers={"Authorization": "Bearer " + lilei(keys)})).status_code == 200


async def test_a_key_that_nobody_can_look_up_is_told_503_however_often_it_asks(keys: KeyPair) -> None:
    settings = RuntimeSettings.model_validate({"anonymous_rate_limit": "1/minute", "rate_limit": "4/minute"})
    away = ServiceClient("http://127.0.0.1:1", SECRET)
    known = Authenticator(verify_key_pem=keys.public, internal_secret=SECRET, directory=away)
    app = create_app("shop", router, settings=settings, authenticator=known)
    async with serving(app, settings) as server, reaching(server) as client:
        for unknown in ("Bearer bh_" + "k" * 43, "Bearer " + lilei(keys)):
            answers = [await client.get("/v1/me", headers={"Authorization": unknown}) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [503, 503, 503]
            assert {answer.json()["code"] for answer in answers} == {"unavailable"}
            assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in answers)
        # Whoever is nobody at all is counted as before.
        assert [(await client.get("/v1/me")).status_code for _ in range(2)] == [401, 429]
    await known.close()
    await away.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/orders/1", 200),
        ("GET", "/v1/nowhere", 404),
        ("GET", "/v1/me", 401),
        ("POST", "/v1/orders/1", 405),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_no_answer_is_kept_on_the_way_or_taken_for_something_else(
    base: str, method: str, path: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_pages_of_staff_behind_one_address_count_for_the_person_and_sign_nobody_in(keys: KeyPair) -> None:
    async with limited(keys, anonymous_rate_limit="1/minute", rate_limit="3/minute") as client:
        cookie = {"Cookie": f"other=1; {SESSION_COOKIE}={lilei(keys)}"}
        answers = [await client.get("/v1/orders/1", headers=cookie) for _ in range(4)]
        assert [answer.status_code for answer in answers[:3]].count(429) == 0
        assert answers[3].status_code == 429
        forged = {"Cookie": f"{SESSION_COOKIE}=not.a.token"}
        assert (await client.get("/v1/me", headers=forged)).status_code == 401
        assert (await client.get("/v1/me", headers=forged)).status_code == 429


def test_counters_of_a_rate_limit_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.http.limits._MOST_WINDOWS", 10)
    windows, limit = Windows(), parse("1/minute")
    for number in range(100):
        windows.count(limit, str(number))
    assert len(windows) == 10
    windows.count(limit, "0")
    with pytest.raises(RateLimited):
        windows.count(limit, "99")


async def test_more_requests_than_the_bound_are_shed(keys: KeyPair) -> None:
    async with limited(keys, max_requests=3) as client:
        answers = await asyncio.gather(*(client.get("/v1/slow") for _ in range(8)))
        shed = [answer for answer in answers if answer.status_code == 503]
        assert len(shed) == 5
        assert {answer.json()["code"] for answer in shed} == {"unavailable"}
        assert all(answer.headers["retry-after"] for answer in shed)
        assert (await client.get("/v1/slow")).status_code == 200


async def test_more_connections_than_the_bound_are_shed(keys: KeyPair) -> None:
    async with limited(keys, max_connections=2) as client:
        await client.get("/v1/orders/1")
        port = client.base_url.port
        _, second = await asyncio.open_connection("127.0.0.1", port)
        third, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await third.readline()).startswith(b"HTTP/1.1 503")
        assert b"retry-after" in await third.read()
        second.close()
        writer.close()


async def test_a_cursor_leads_back_to_its_position(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/orders", params={"cursor": encode_cursor(["2026-01-01T00:00:00Z", 7]), "limit": 200})
    assert answer.json() == {"items": [["2026-01-01T00:00:00Z", 7]], "next_cursor": "200"}


@pytest.mark.parametrize("position", [["x"], ["x", "y"], [1, 1], ["x", True], ["x", 1.5], {"x": 1}, None, "x", 1])
def test_a_forged_position_is_refused(position: object) -> None:
    with pytest.raises(ValidationFailed) as refused:
        decode_cursor(encode_cursor(position), str, int)
    assert refused.value.errors[0]["pointer"] == "/cursor"


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "e30=x", "ÿ", encode_cursor("\0"), encode_cursor(2**64), "W10gW10"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed):
        decode_cursor(cursor, str, int)


@pytest.mark.parametrize(("accept", "language"), [
    (None, "en"),
    ("", "en"),
    (";;;,,,", "en"),
    ("fr", "en"),
    ("zh-CN", "zh"),
    ("zh-TW,en", "zh"),
    ("zh;q=x", "zh"),
    ("en;q=0.1, zh;q=0.2", "zh"),
    ("zh;q=0, en;q=0.1", "en"),
])  # fmt: skip
def test_the_reader_s_language_is_chosen_by_weight(accept: str | None, language: str) -> None:
    assert preferred_language(accept) == language


async def test_the_internal_port_tells_health_readiness_and_metrics(settings: RuntimeSettings) -> None:
    down = True

    async def engine() -> None:
        if down:
            raise Unavailable

    async def database() -> None:
        return

    part = Part(name="tickets", ready={"database": database, "engine": engine})
    app = create_internal_app([part], settings)
    async with serving(app, settings) as server, reaching(server) as client:
        assert (await client.get("/healthz")).status_code == 200
        refused = telemetry.requests_total.labels("GET", "/readyz", "503")._value.get()
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["dependencies"]) == (503, {"database": "ok", "engine": "error"})
        down = False
        assert (await client.get("/readyz")).json() == {
            "status": "ok", "dependencies": {"database": "ok", "engine": "ok"}
        }  # fmt: skip
        metrics = (await client.get("/metrics")).text
        assert f'bihuan_http_requests_total{{method="GET",route="/readyz",status="503"}} {refused + 1}' in metrics
        assert "process_resident_memory_bytes" in metrics
        assert 'bihuan_dependency_up{dependency="engine"} 1.0' in metrics
        down = True
        metrics = (await client.get("/metrics")).text
        assert 'bihuan_dependency_up{dependency="engine"} 0.0' in metrics
        assert 'bihuan_dependency_up{dependency="database"} 1.0' in metrics


async def test_a_peer_s_refusal_is_raised_here_and_its_failure_is_unavailable(base: str) -> None:
    peer = ServiceClient(base, SECRET)
    with pytest.raises(Conflict) as refused:
        await peer.post("/v1/refusals")
    assert (refused.value.code, refused.value.extra) == ("illegal_transition", {"allowed": ["accept"]})
    with pytest.raises(ValidationFailed) as invalid:
        await peer.post("/v1/orders", {"surprise": 1})
    assert invalid.value.errors[0]["pointer"] == "/surprise"
    with pytest.raises(Unavailable):
        await peer.get("/v1/boom")
    assert await peer.get("/v1/orders", limit=7) == {"items": [], "next_cursor": "7"}
    await peer.close()


async def test_a_peer_is_given_the_id_of_the_request() -> None:
    telemetry.request_id.set("call-9")
    seen: list[str] = []

    async def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-request-id"])
        return httpx.Response(200, json={})

    peer = InsidePeer(httpx.MockTransport(note), SECRET)
    await peer.get("/healthz")
    await peer.close()
    assert seen == ["call-9"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Lines of the log, as they are written."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    telemetry.configure_logs("INFO")
    yield written
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


async def test_a_failure_is_logged_by_place_and_type_without_its_text(
    lines: io.StringIO, http: httpx.AsyncClient
) -> None:
    await http.get("/v1/boom?q=13900139000", headers={"X-Request-Id": "call-18"})
    logged = [json.loads(line) for line in lines.getvalue().splitlines()]
    failed = next(line for line in logged if line["event"] == "request failed")
    assert (failed["route"], failed["request_id"], failed["level"]) == ("/v1/boom", "call-18", "error")
    assert failed["errors"][0]["type"] == "builtins.RuntimeError"
    assert any("sample_app.py" in place for place in failed["errors"][0]["at"])
    assert "13800138000" not in lines.getvalue()
    assert "13900139000" not in lines.getvalue()
    assert SECRET not in lines.getvalue()


async def test_a_library_s_failure_is_logged_without_its_text(lines: io.StringIO) -> None:
    error = ValueError("13800138000")
    error.__cause__ = KeyError("13900139000")
    logging.getLogger("asyncio").error("Task failed\nfuture: 13800138000", exc_info=error)
    line = json.loads(lines.getvalue())
    assert line["event"] == "Task failed"
    assert [error["type"] for error in line["errors"]] == ["builtins.ValueError", "builtins.KeyError"]
    assert "138001" not in lines.getvalue()


async def test_the_document_tells_problems_and_who_must_sign_in(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    place = document["paths"]["/v1/orders"]["post"]
    assert set(place["responses"]) == {"201", "4XX", "5XX"}
    assert "application/problem+json" in place["responses"]["4XX"]["content"]
    assert place["security"] == [{"bearer": []}]
    assert document["paths"]["/v1/orders"]["get"]["security"] == []
    assert {"Problem", "ErrorItem", "Order"} <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in json.dumps(document)
