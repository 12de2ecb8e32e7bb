"""The outermost layer of every app, as plain ASGI: who asks, how much, how long, and what a failure looks like.

Input that no endpoint should see (I18) and load that no process should take (I17) end here.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

from prometheus_client import Counter, Histogram
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.errors import (
    MalformedRequest,
    RateLimited,
    Refusal,
    RequestTimedOut,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from services.runtime.http.bodies import is_storable, parse_json
from services.runtime.http.direct_routes import DirectRoutes
from services.runtime.http.limits import RateLimits
from services.runtime.http.problems import problem_response
from services.runtime.security.auth import SESSION_COOKIE, Authenticator, Caller
from services.runtime.telemetry import (
    log,
    request_id,
    request_seconds,
    requests_in_flight,
    requests_shed_total,
    requests_total,
)

_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON = re.compile(rb"\s*application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_FORM = re.compile(rb"\s*(?:multipart/form-data|application/x-www-form-urlencoded)\s*(?:;.*)?", re.IGNORECASE)
# Endpoints that do not take these see no JSON, and refuse them.
_TEXT = re.compile(rb"\s*(?:(?:application|text)/(?:x-)?yaml|text/calendar)\s*(?:;.*)?", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


_USUAL = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Answers are one caller's and of one moment: nothing on the way keeps them, and no browser takes one for a page."""

Refuse = Callable[[Scope, Refusal], Awaitable[Response]]
"""What a refusal looks like to whoever sent this request."""


class _Gone(Exception):
    """The client hung up before its request was complete."""


@dataclass(frozen=True)
class Bounds:
    """Bounds on what one app takes: bytes of a body, seconds for sending it, requests worked on at a time."""

    body_bytes: int
    receive_seconds: float
    requests: int


class _Slot:
    """A place among the requests that are worked on at a time."""

    def __init__(self, taken: "set[_Slot]") -> None:
        self._taken = taken
        taken.add(self)
        requests_in_flight.inc()

    def give_back(self) -> None:
        """Make room, once."""
        if self in self._taken:
            self._taken.remove(self)
            requests_in_flight.dec()


def declare_json(scope: Scope) -> None:
    """Let endpoints take the body of a request as JSON, whatever it was sent as."""
    kept = [(name, given) for name, given in scope["headers"] if name != b"content-type"]
    scope["headers"] = [*kept, (b"content-type", b"application/json")]


def replay(body: bytes, receive: Receive) -> Receive:
    """Hand over a body that was received whole, and then what comes behind it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def leave_the_bound(request: Request) -> None:
    """Give the request's place back before its answer has ended: for streams, which have a bound of their own.

    Otherwise everybody who only looks on would take a place for as long as they do.
    """
    slot: _Slot = request.state.slot
    slot.give_back()


class Edge:
    """ASGI middleware; one instance per app."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        bounds: Bounds,
        authenticator: Authenticator | None,
        limits: RateLimits | None,
        refuse: Refuse | None = None,
        direct: DirectRoutes | None = None,
    ) -> None:
        """`direct` answers requests, where it can, instead of `app`."""
        self._app = app
        self._direct = direct or DirectRoutes()
        self._refuse = refuse or _problem
        self._bounds = bounds
        self._authenticator = authenticator
        self._limits = limits
        self._taken: set[_Slot] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            await self._answer_head(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    async def _answer_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as GET would; the answer is over with its head, and whatever ends a stream then ends nothing else."""
        head = _Head(receive, send)
        # The server goes by its own copy of the method, and writes no body.
        await self._answer({**scope, "method": "GET"}, head.receive, head.send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(scope, send, self._refuse)
        try:
            await self._serve(exchange, receive)
        except _Gone:
            return
        except Refusal as refusal:
            await exchange.refuse(refusal)
        except _Over:
            return
        except Exception as error:
            if isinstance(error, ExceptionGroup) and error.split(_Over)[1] is None:
                return
            log().exception("request failed", route=exchange.route)
            if exchange.status:
                raise
            await exchange.refuse(Refusal())
        finally:
            exchange.measure()

    async def _serve(self, exchange: "_Exchange", receive: Receive) -> None:
        scope = exchange.scope
        _check_target(scope)
        await self._identify(exchange)
        if scope["method"] in _WITH_BODY:
            receive = await self._with_body(exchange, receive)
        slot = _Slot(self._taken)
        exchange.state["slot"] = slot
        try:
            if len(self._taken) > self._bounds.requests:
                requests_shed_total.labels("overload").inc()
                raise Unavailable(retry_after=1)
            await self._hand_over(exchange, receive)
        finally:
            slot.give_back()

    async def _hand_over(self, exchange: "_Exchange", receive: Receive) -> None:
        scope = exchange.scope
        direct = self._direct.find(scope["method"], scope["path"])
        response = await direct(scope, receive) if direct else None
        await (response or self._app)(scope, receive, exchange.send)

    async def _identify(self, exchange: "_Exchange") -> None:
        """Leave the caller, or why there is none, for `auth.caller`; endpoints without a sign-in never look."""
        if self._authenticator is None:
            return
        known: Caller | Refusal | None = None
        authorization = exchange.headers.get(b"authorization")
        if authorization is not None:
            try:
                known = await self._authenticator.authenticate(authorization.decode("latin-1"))
            except Refusal as refusal:
                known = refusal
            exchange.state["caller"] = known
        if self._limits is not None:
            client = exchange.scope.get("client")
            self._count(self._limits, exchange, known, client[0] if client else "")

    def _count(self, limits: RateLimits, exchange: "_Exchange", known: Caller | Refusal | None, address: str) -> None:
        if not isinstance(known, Unavailable):
            limits.count(known if isinstance(known, Caller) else self._staff_on_pages(exchange), address)
            return
        try:
            limits.count_unknown(address)
        except RateLimited as limited:
            # Whoever asks so often is answered before any endpoint is; what they are told is why.
            raise Unavailable(retry_after=limited.retry_after) from known

    def _staff_on_pages(self, exchange: "_Exchange") -> Caller | None:
        """The caller whom a page's request is counted for: a whole centre looks at pages from one address. Nothing but
        the count rests on it, because browsers send cookies along with requests that other sites cause."""
        cookies = exchange.headers.get(b"cookie", b"")
        if self._authenticator is None or SESSION_COOKIE.encode() not in cookies:
            return None
        return self._authenticator.staff_behind(cookie_parser(cookies.decode("latin-1")).get(SESSION_COOKIE, ""))

    async def _with_body(self, exchange: "_Exchange", receive: Receive) -> Receive:
        body = await self._receive_body(exchange, receive)
        kind = exchange.headers.get(b"content-type", b"")
        if not body and not _FORM.fullmatch(kind):
            body = b"{}"
            declare_json(exchange.scope)
            exchange.state["json"] = {}
        elif _JSON.fullmatch(kind):
            exchange.state["json"] = parse_json(body)
        elif not _FORM.fullmatch(kind) and not _TEXT.fullmatch(kind):
            raise UnsupportedMediaType
        return replay(body, receive)

    async def _receive_body(self, exchange: "_Exchange", receive: Receive) -> bytes:
        announced = exchange.headers.get(b"content-length", b"")
        # The parser of the server has refused lengths that are no numbers.
        if announced.isdigit() and int(announced) > self._bounds.body_bytes:
            raise TooLarge
        try:
            async with asyncio.timeout(self._bounds.receive_seconds):
                return await _receive_all(receive, self._bounds.body_bytes)
        except TimeoutError as error:
            raise RequestTimedOut from error


class _Over(Exception):
    """More of a stream comes after the head that was asked for."""


class _Head:
    """The channels of a request for the head of an answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.is_over = False

    async def receive(self) -> Message:
        """Receive what the client sends, until the answer is over."""
        return {"type": "http.disconnect"} if self.is_over else await self._receive()

    async def send(self, message: Message) -> None:
        """Send the head on, and end the answer."""
        if self.is_over:
            if message.get("more_body"):
                raise _Over
            return
        await self._send(message)
        if message["type"] == "http.response.start":
            self.is_over = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send, refuse: Refuse) -> None:
        self.scope = scope
        self._refuse = refuse
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.state: dict[str, Any] = scope.setdefault("state", {})
        self.status = 0
        self._send = send
        self._began = time.perf_counter()
        given = self.headers.get(b"x-request-id", b"")
        self._id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16).encode()
        request_id.set(self._id.decode())

    @property
    def route(self) -> str:
        """The template of the matched path; paths themselves carry ticket numbers."""
        return getattr(self.scope.get("route"), "path", "unmatched")

    async def send(self, message: Message) -> None:
        """Send on, with the request's id on the answer, and what every answer says that does not say otherwise."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.get("headers", ())
            told = {name for name, _ in headers}
            usual = [(name, value) for name, value in _USUAL if name not in told]
            message["headers"] = [*headers, *usual, (b"x-request-id", self._id)]
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer with the refusal, unless an answer has begun."""
        if self.status:
            return
        answer = await self._refuse(self.scope, refusal)
        await answer(self.scope, _nothing, self.send)

    def measure(self) -> None:
        """Count the request by its route."""
        method = self.scope["method"] if self.route != "unmatched" else "any"
        total, seconds = _metrics(method, self.route, self.status)
        total.inc()
        seconds.observe(time.perf_counter() - self._began)


@cache
def _metrics(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Look the children up once; there are as many as routes and answers."""
    return requests_total.labels(method, route, status), request_seconds.labels(method, route)


async def _problem(scope: Scope, refusal: Refusal) -> Response:
    language = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    return problem_response(refusal, language)


def _check_target(scope: Scope) -> None:
    query = scope["query_string"]
    if not is_storable(scope["path"]) or "\ufffd" in scope["path"] or not _is_text(query):
        raise MalformedRequest({"en": "The path or query is not UTF-8 text.", "zh": "路径或查询参数不是 UTF-8 文本。"})


def _is_text(query: bytes) -> bool:
    try:
        return is_storable((unquote_to_bytes(query) if b"%" in query else query).decode())
    except UnicodeDecodeError:
        return False


async def _receive_all(receive: Receive, most: int) -> bytes:
    received = bytearray()
    while (message := await receive())["type"] == "http.request":
        received += message.get("body", b"")
        if len(received) > most:
            raise TooLarge
        if not message.get("more_body"):
            return bytes(received)
    raise _Gone


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
