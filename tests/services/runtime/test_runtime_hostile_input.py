"""I18: no input yields a 5xx. Over real sockets, because some of it never becomes a request."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.services.runtime.sample_app import RECEIVE_SECONDS, SECRET

JSON = {"Content-Type": "application/json"}
MALFORMED = [
    b"{",
    b"nope",
    b"{'name': 1}",
    b'{"name": NaN}',
    b'{"weight": NaN}',
    b'{"weight": Infinity}',
    b'{"weight": -Infinity}',
    b'{"weight": 1e400}',
    b'{"weight": ' + b"9" * 400 + b".0}",
    b'{"parts": [{"number": 9223372036854775808}]}',
    b'{"parts": [{"number": ' + b"9" * 5000 + b"}]}",
    b'{"name": "a", "name": "b"}',
    b'{"labels": {"x": "1", "x": "2"}}',
    b'{"name": "\xff"}',
    b'{"name": "\x00"}',
    '{"name": "a"}'.encode("utf-16"),
    b'\xef\xbb\xbf{"name": "a"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 65 + b"]" * 65,
    b'{"name": "a"} {}',
]
INVALID = [
    (b'{"name": "a\\u0000b"}', "/name"),
    (b'{"name": "\\ud800"}', "/name"),
    (b'{"name": "\\udc00\\ud800"}', "/name"),
    (b'{"labels": {"a\\u0000": "b"}}', "/labels"),
    (b'{"parts": [{"number": 1, "note": "\\uDFFF"}]}', "/parts/0/note"),
    (b'{"name": "' + b"x" * 51 + b'"}', "/name"),
    (b'{"name": 1}', "/name"),
    (b'{"parts": [{"number": "x"}]}', "/parts/0/number"),
    (b'{"parts": [{"number": 1, "a/b~c": 1}]}', "/parts/0/a~1b~0c"),
    (b'{"surprise": 1}', "/surprise"),
    (b"[]", ""),
    (b'"text"', ""),
    (b"null", ""),
    (b"1", ""),
]

NOT_HTTP = [
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00",
    b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 9" + b"9" * 30 + b"\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]


async def post(http: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    return await http.post("/v1/orders", content=body, headers={**JSON, **headers})


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["title"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:24]))
async def test_what_is_not_plain_json_is_malformed_json(http: httpx.AsyncClient, body: bytes) -> None:
    assert_problem(await post(http, body), 400, "malformed_json")


@pytest.mark.parametrize(("body", "pointer"), INVALID, ids=lambda value: repr(value[:24]))
async def test_wrong_input_names_the_place(http: httpx.AsyncClient, body: bytes, pointer: str) -> None:
    answer = await post(http, body)
    assert_problem(answer, 422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_escaped_backslashes_and_paired_surrogates_are_text(http: httpx.AsyncClient) -> None:
    answer = await post(http, b'{"name": "\\\\u0000 \\ud83d\\ude00"}')
    assert answer.json()["order"]["name"] == "\\u0000 😀"


async def test_nesting_to_the_limit_is_taken(http: httpx.AsyncClient) -> None:
    answer = await post(http, b"[" * 64 + b"]" * 64)
    assert_problem(answer, 422, "validation_failed")


async def test_the_largest_64_bit_integer_is_parsed(http: httpx.AsyncClient) -> None:
    answer = await post(http, b'{"weight": 9223372036854775807}')
    assert answer.json()["json"] == {"weight": 2**63 - 1}


async def test_an_empty_body_equals_an_empty_object(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/orders")
    assert (answer.status_code, answer.json()["json"], answer.json()["order"]["name"]) == (201, {}, "nobody")
    assert (await post(http, b"")).status_code == 201


async def test_many_unknown_fields_are_answered_briefly(http: httpx.AsyncClient) -> None:
    answer = await post(http, json.dumps({f"{'x' * 500}{number}": 1 for number in range(1000)}).encode())
    assert_problem(answer, 422, "validation_failed")
    assert len(answer.content) < 50_000


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "*", "ÿ",
                                  "application/x-www-form-urlencoded"])  # fmt: skip
async def test_another_media_type_is_refused(http: httpx.AsyncClient, kind: str) -> None:
    answer = await http.post(
        "/v1/orders", content=b'{"name": "a"}', headers=[(b"content-type", kind.encode("latin-1"))]
    )
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"])
async def test_json_by_any_of_its_names_is_taken(http: httpx.AsyncClient, kind: str) -> None:
    assert (await http.post("/v1/orders", content=b"{}", headers={"content-type": kind})).status_code == 201


async def test_a_20_mb_body_is_too_large(http: httpx.AsyncClient) -> None:
    assert_problem(await post(http, b'{"name": "' + b"x" * 20_000_000 + b'"}'), 413, "too_large")


async def test_a_20_mb_body_of_unknown_length_is_too_large(http: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 100_000

    assert_problem(await http.post("/v1/orders", content=chunks(), headers=JSON), 413, "too_large")
    assert (await post(http, b"{}")).status_code == 201


async def test_a_body_of_exactly_the_limit_is_read(http: httpx.AsyncClient) -> None:
    body = b'{"surprise": "' + b"x" * (1_048_576 - 16) + b'"}'
    assert len(body) == 1_048_576
    assert_problem(await post(http, body), 422, "validation_failed")
    assert_problem(await post(http, body + b" "), 413, "too_large")


@pytest.mark.parametrize("path", ["/v1/orders/%00", "/v1/orders/%ff", "/v1/orders/%ed%a0%80", "/v1/orders/a?q=%00",
                                  "/v1/orders/a?q=%ff", "/v1/orders?cursor=%00"])  # fmt: skip
async def test_paths_and_queries_that_are_no_text_are_refused(base: str, path: str) -> None:
    status, problem = await raw_get(base, path)
    assert (status, problem["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=1e3", "limit=" + "9" * 5000])
async def test_a_limit_outside_its_bounds_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get("/v1/orders?" + query)
    assert_problem(answer, 422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/limit"


async def test_errors_speak_the_language_of_the_reader(http: httpx.AsyncClient) -> None:
    chinese = await post(http, b'{"surprise": 1}', **{"Accept-Language": "fr, zh-CN;q=0.9, en;q=0.8"})
    assert chinese.json()["title"] == "请检查输入"
    assert chinese.json()["errors"][0]["message"] == "未知字段"
    english = await post(http, b'{"surprise": 1}', **{"Accept-Language": "en, zh;q=0.5"})
    assert english.json()["title"] == "Please check the input"


@pytest.mark.parametrize(("method", "path", "allow"), [
    ("PATCH", "/v1/orders", "GET, HEAD, POST"),
    ("PUT", "/v1/orders", "GET, HEAD, POST"),
    ("OPTIONS", "/v1/orders/1", "DELETE, GET, HEAD"),
    ("BREW", "/v1/orders/1", None),
])  # fmt: skip
async def test_other_methods_are_told_which_are_allowed(
    http: httpx.AsyncClient, method: str, path: str, allow: str | None
) -> None:
    answer = await http.request(method, path)
    if allow is None:
        assert answer.status_code == 400
        return
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


async def test_an_unknown_path_is_not_found(http: httpx.AsyncClient) -> None:
    assert_problem(await http.get("/v1/nothing"), 404, "not_found")
    assert_problem(await http.get("/v1/orders/"), 404, "not_found")


async def test_a_mistake_of_ours_tells_nothing_but_the_request(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/boom", headers={"X-Request-Id": "call-17"})
    assert_problem(answer, 500, "internal_error")
    assert answer.json()["request_id"] == "call-17"
    assert "13800138000" not in answer.text


async def test_a_request_id_that_is_no_token_is_replaced(http: httpx.AsyncClient) -> None:
    for given in ("", "a b", "x" * 129):
        answer = await http.get("/v1/orders/1", headers={"X-Request-Id": given})
        assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("version", ["", ",", "12", 'w/"12"', '"1" "2"', '*, "1"', '"1', "ÿ"])
async def test_an_if_match_that_is_no_list_of_tags_is_refused(http: httpx.AsyncClient, version: str) -> None:
    answer = await http.get("/v1/orders/1", headers=[(b"if-match", version.encode("latin-1"))])
    assert_problem(answer, 422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == "/If-Match"


async def test_headers_of_100_kb_are_too_large(base: str) -> None:
    status, problem = await raw_get(base, "/v1/orders/1", b"X-Large: " + b"x" * 100_000 + b"\r\n")
    assert (status, problem["code"]) == (431, "headers_too_large")
    status, problem = await raw_get(base, "/v1/orders/1", b"".join(b"X-%d: y\r\n" % i for i in range(10_000)))
    assert (status, problem["code"]) == (431, "headers_too_large")
    status, problem = await raw_get(base, "/v1/orders/" + "x" * 100_000)
    assert (status, problem["code"]) == (431, "headers_too_large")


async def test_headers_without_an_end_are_too_large(base: str) -> None:
    status, _ = await talk(base, b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: ", *[b"x" * 8000] * 8)
    assert status == 431


@pytest.mark.parametrize("line", NOT_HTTP, ids=lambda line: repr(line[:24]))
async def test_what_is_not_http_is_refused(base: str, line: bytes) -> None:
    status, _ = await talk(base, line)
    assert 400 <= status < 500


async def test_a_half_sent_head_is_cut_off(base: str) -> None:
    started = asyncio.get_running_loop().time()
    status, problem = await talk(base, b"GET /v1/orders/1 HTTP/1.1\r\nHost: x\r\n")
    assert (status, problem["code"]) == (408, "request_timeout")
    assert asyncio.get_running_loop().time() - started >= RECEIVE_SECONDS


async def test_a_silent_connection_is_cut_off(base: str) -> None:
    assert (await talk(base, b""))[0] == 408


async def test_a_half_sent_body_is_cut_off(base: str) -> None:
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    status, problem = await talk(base, head + b"{")
    assert (status, problem["code"]) == (408, "request_timeout")


async def test_a_body_that_drips_is_cut_off(base: str) -> None:
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    status, _ = await talk(base, head, *[b" "] * 40, pause=0.05)
    assert status == 408


async def test_a_client_that_sends_on_after_its_answer_is_cut_off(base: str) -> None:
    reader, writer = await connect(base)
    writer.write(b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    assert b"413" in await reader.readline()
    with pytest.raises(ConnectionError):
        await send_on(writer)
    writer.close()


async def test_a_connection_can_be_used_again(base: str) -> None:
    reader, writer = await connect(base)
    for _ in range(3):
        body = b'{"labels": {"a": "' + b"x" * 200_000 + b'"}}'
        writer.write(
            b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer "
            + SECRET.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )  # fmt: skip
        status, _ = await read_answer(reader)
        assert status == 201
    writer.close()


async def send_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 10_000)
        await writer.drain()
        await asyncio.sleep(0.02)


async def connect(base: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(base).port)


async def raw_get(base: str, path: str, headers: bytes = b"") -> tuple[int, dict[str, str]]:
    return await talk(base, b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n")


async def talk(base: str, *pieces: bytes, pause: float = 0.0) -> tuple[int, dict[str, str]]:
    reader, writer = await connect(base)
    for piece in pieces:
        if reader.at_eof() or writer.is_closing():
            break
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)
    answer = await read_answer(reader)
    writer.close()
    return answer


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length: ")[2].split("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))
