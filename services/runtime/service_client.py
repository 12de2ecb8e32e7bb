"""Calls to another service's internal port, or straight to its endpoints where it lives in the same process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from json import loads
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from services.runtime.errors import Conflict, Forbidden, NotFound, RateLimited, Refusal, Unavailable, ValidationFailed
from services.runtime.telemetry import log, request_id

_SECONDS = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=_SECONDS, connect=1.5, sock_connect=1.5)
_CONNECTIONS = 50
# Shorter than a server keeps an idle connection, so that none is taken up while the other side closes it.
_KEPT_SECONDS = 4.0
_FIRST_REFUSAL = 300
_IN_PATHS = "/%:@-._~!$&'()*+,;="

EndpointCall = Callable[[object], Awaitable[Any]]
"""An endpoint of the same process: takes the body as JSON, and answers JSON."""


class ServiceClient:
    """One service, by the base of its internal port. Its refusals are raised here as they were there.

    `local` finds the call of an endpoint by method and path where this process answers it itself.
    """

    def __init__(self, base_url: str, secret: str) -> None:
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._session: aiohttp.ClientSession | None = None
        self.is_closed = False
        self.local: Callable[[str, str], EndpointCall | None] | None = None

    async def get(self, path: str, **params: str | int) -> Any:
        """Return the parsed answer to GET; `params` become the query. Raise `NotFound` on 404."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, json: object = None) -> Any:
        """Return the parsed answer to POST of `json`."""
        return await self._call("POST", path, json=json)

    async def put(self, path: str, json: object = None) -> Any:
        """Return the parsed answer to PUT of `json`."""
        return await self._call("PUT", path, json=json)

    async def ping(self) -> None:
        """Return when the peer's process answers; raise `Unavailable` otherwise."""
        await self.get("/healthz")

    async def close(self) -> None:
        """Close the connections; whoever asks afterwards gets no answer."""
        self.is_closed = True
        if self._session is not None:
            await self._session.close()

    async def send(
        self, method: str, path: str, *, params: Mapping[str, str | int], json: object, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Carry one request over the wire; status and body of the answer. Tests put a service in its place.

        Raises:
            OSError, TimeoutError: no answer.
        """
        if self.is_closed:
            raise ConnectionError("closed")
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEPT_SECONDS)
            self._session = aiohttp.ClientSession(
                self._base_url, connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
            )
        # What is quoted already must not be quoted again: it would name something else.
        url = URL(quote(path, safe=_IN_PATHS), encoded=True)
        try:
            async with self._session.request(method, url, params=params, json=json, headers=headers) as answer:
                return answer.status, await answer.read()
        except aiohttp.ClientError as error:
            raise ConnectionError(type(error).__name__) from error

    async def _call(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: object = None
    ) -> Any:
        if self.local is not None and not params and (call := self.local(method, path)) is not None:
            return await _called(call, json)
        headers = {**self._headers, "X-Request-Id": request_id.get()}
        try:
            status, content = await self.send(method, path, params=params or {}, json=json, headers=headers)
            body = loads(content) if content else None
        except (OSError, TimeoutError, ValueError) as error:
            raise Unavailable from error
        if status < _FIRST_REFUSAL:
            return body
        raise _refusal(status, body)


def segment(value: str) -> str:
    """Quote `value` as one segment of a path."""
    return quote(value, safe="")


async def _called(call: EndpointCall, json: object) -> Any:
    """Call an endpoint of this process, bounded as over the wire; what fails in it fails as a peer's failure does."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await call(json)
    except Refusal as refusal:
        if _concerns_the_question(refusal):
            raise
        raise Unavailable from refusal
    except TimeoutError as error:
        raise Unavailable from error
    except Exception as error:
        log().exception("request failed")
        raise Unavailable from error


def _concerns_the_question(refusal: Refusal) -> bool:
    if isinstance(refusal, RateLimited):
        return "retry_after" in refusal.extra
    return isinstance(refusal, NotFound | Forbidden | Conflict | ValidationFailed | Unavailable)


def _refusal(status: int, problem: Any) -> Refusal:
    """Rebuild a refusal that concerns the question; anything else of a peer is its failure, hence `Unavailable`."""
    told = problem if isinstance(problem, dict) else {}
    detail, code = str(told.get("detail", "")), told.get("code")
    if status == NotFound.status:
        return NotFound(detail, code=code)
    if status == Forbidden.status:
        return Forbidden(detail, code=code)
    if status == Conflict.status:
        known = {"type", "title", "status", "detail", "code", "instance", "request_id"}
        return Conflict(detail, code=code, extra={key: value for key, value in told.items() if key not in known})
    if status == ValidationFailed.status and isinstance(told.get("errors"), list):
        return ValidationFailed(told["errors"], detail)
    if status == RateLimited.status and isinstance(seconds := told.get("retry_after"), int):
        return RateLimited(seconds, detail)
    return Unavailable(detail, code=code if status == Unavailable.status else None)
