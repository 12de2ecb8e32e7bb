"""Whatever is sent to the public pages, the answer is a page with a 4xx, never a failure (I18)."""

import pytest

from tests.services.intake.customer_tickets import opened
from tests.services.intake.page_client import HTML, REPORT
from tests.services.system import System

KEY = "k" * 24
FORM = "application/x-www-form-urlencoded"
TEXTS = ["\0", "a\0b", "\ud800", "\udfff\ud800", "\x1b[31m", "\u202e", "𠮷" * 5000, "' OR 1=1 --", "{{7*7}}",
         "<script>", "%00"]  # fmt: skip


def encoded(**fields: str) -> bytes:
    """A form as a browser would not send it."""
    quoted = {name: "".join(f"%{each:02X}" for each in value.encode("utf-8", "surrogatepass"))
              for name, value in fields.items()}  # fmt: skip
    return "&".join(f"{name}={value}" for name, value in quoted.items()).encode()


@pytest.mark.parametrize("typed", TEXTS)
@pytest.mark.parametrize("field", ["description", "name", "contact", "serial_no", "kind", "occurred_on", "affected",
                                   "safety", "language", "channel", "key", "unheard-of"])  # fmt: skip
async def test_any_text_in_any_field_of_the_form_is_taken_or_refused(system: System, field: str, typed: str) -> None:
    content = encoded(**{**REPORT, "key": KEY + field.replace("-", "_"), field: typed})
    answer = await system.http.post("/f", content=content, headers={**HTML, "Content-Type": FORM})
    assert answer.status_code in {303, 400, 413, 422}, answer.text
    assert "<script>" not in answer.text
    assert "49" not in answer.text.partition("</style>")[2] or typed != "{{7*7}}"


@pytest.mark.parametrize("typed", TEXTS)
@pytest.mark.parametrize(
    ("action", "field"), [("message", "message"), ("supply", "serial_no"), ("supply", "contact"), ("withdraw", "key")]
)
async def test_any_text_in_any_field_of_a_ticket_s_page_is_taken_or_refused(
    system: System, action: str, field: str, typed: str
) -> None:
    ticket = await opened(system)
    content = encoded(**{"key": KEY, field: typed})
    answer = await system.http.post(
        f"{ticket.address}/{action}", content=content, headers={**HTML, "Content-Type": FORM}
    )
    assert answer.status_code in {303, 400, 409, 413, 422}, answer.text
    assert (await ticket.client.open(ticket.address)).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"description=" + b"x" * 2_000_000, FORM, 413),
        (b"&".join(b"f%d=1" % n for n in range(5000)), FORM, 400),
        (b"&" * 100_000, FORM, 400),
        (b"key=" + KEY.encode() + b"&" + b"description=" + b"%" * 1000, FORM, 422),
        (b"%", FORM, 400),
        (b"\xff\xfe", FORM, 400),
        (b"{}", "application/json", 415),
        (b'{"description": "x"}', "application/json", 415),
        (b"[" * 5000, "application/json", 400),
        (b"", "application/json", 415),
        (b"<a/>", "text/xml", 415),
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data; boundary=y", 400),
        (b"x", "multipart/form-data; boundary=" + "y" * 5000, 400),
        (b"x", "multipart/form-data; charset=nonsense; boundary=y", 400),
        (b'--y\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--y--\r\n',
         "multipart/form-data; boundary=y", 400),
        (b"description=x", FORM + "; charset=utf-16", 400),
    ],
)  # fmt: skip
async def test_a_body_that_is_no_form_gets_a_page(system: System, content: bytes, kind: str, status: int) -> None:
    ticket = await opened(system)
    for path in ("/f", f"{ticket.address}/message"):
        answer = await system.http.post(path, content=content, headers={**HTML, "Content-Type": kind})
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/f?model=" + "x" * 5000, 200),
        ("GET", "/f?model=%00", 400),
        ("GET", "/f?model=%ED%A0%80", 400),
        ("GET", "/f?again=maybe", 422),
        ("GET", "/f?lang=%3Cscript%3E", 200),
        ("GET", "/f?model=%22%3E%3Cscript%3E", 200),
        ("GET", "/t/", 404),
        ("GET", "/t/x/y/z", 404),
        ("GET", "/t/" + "9" * 5000, 404),
        ("GET", "/t/%00", 400),
        ("PUT", "/f", 405),
        ("DELETE", "/t/x", 405),
    ],
)
async def test_strange_addresses_get_a_page(system: System, method: str, path: str, status: int) -> None:
    answer = await system.http.request(method, path, headers=HTML)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<script>" not in answer.text


@pytest.mark.parametrize("done", ["<script>", "received", "constructor", "x" * 5000])
async def test_what_was_done_is_one_of_a_few_words(system: System, done: str) -> None:
    ticket = await opened(system)
    answer = await system.http.get(ticket.address, headers={**HTML, "Cookie": f"bihuan_done={done}"})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert ("已收到您的反馈" in answer.text) is (done == "received")
    old = await system.http.get(ticket.address, params={"done": done}, headers=HTML)
    assert (old.status_code, old.headers["Location"]) == (303, ticket.address)
