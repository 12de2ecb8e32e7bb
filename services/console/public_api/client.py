"""The public API as the console asks it: with the token and in the language of whoever looks at the page."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from pydantic_core import from_json
from starlette.types import ASGIApp
from yarl import URL

from services.runtime.http.local_call import LocalCall
from services.runtime.telemetry import request_id

# A command may take 8 s until its effect is known; after that the API itself answers 503.
_SECONDS = 15.0
_CONNECT_SECONDS = 2.0
_CONNECTIONS = 100
_KEPT_SECONDS = 4.0
_FIRST_PROBLEM = 300
# A stream of the API says something every 15 s.
_SILENT_SECONDS = 45.0
_JSON = "application/json"
_OPTIONAL = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})

Params = Mapping[str, str | int | list[str]]
Answer = tuple[int, bytes, str]
"""Status, body, and the seconds after which the API wants to be asked again, where it says so."""
Param = str | int | list[str] | None


@dataclass(frozen=True)
class FieldProblem:
    """A fault of one field: its JSON pointer, and a sentence in the reader's language."""

    pointer: str
    code: str
    message: str


class ApiProblem(Exception):
    """The API refused, or could not be reached (503 `unavailable`)."""

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: int | None = None) -> None:
        self.status = status
        self.code = str(document.get("code", "internal_error"))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.document = document
        self.errors = [
            FieldProblem(str(each["pointer"]), str(each["code"]), str(each["message"]))
            for each in document.get("errors", ())
        ]
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}")


@dataclass(frozen=True)
class Question:
    """One request to the API, for the reader at `address`. `seconds` is the longest wait."""

    method: str
    path: str
    headers: Mapping[str, str]
    params: Params
    body: bytes
    address: str
    seconds: float


class Api:
    """The public API: at `base_url`, or in this process where `is_own`. One per process; connections are shared by
    everybody who looks at pages."""

    def __init__(self, base_url: str, *, is_own: bool = False) -> None:
        self._base_url = base_url
        self._is_own = is_own
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, app: ASGIApp, question: Question) -> Any:
        """Return the parsed answer; raise `ApiProblem`. `app` is that of this process."""
        try:
            status, content, waiting = await (
                _ask(app, question) if self._is_own else self._ask_over_the_wire(question)
            )
            parsed = from_json(content) if content else None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ApiProblem(HTTPStatus.SERVICE_UNAVAILABLE, {"code": "unavailable"}) from error
        if status < _FIRST_PROBLEM or status == HTTPStatus.NOT_MODIFIED:
            return parsed
        known = parsed if isinstance(parsed, dict) else {}
        raise ApiProblem(status, known, int(waiting) if waiting.isdigit() else None)

    async def _ask_over_the_wire(self, question: Question) -> Answer:
        url = URL(self._base_url + question.path, encoded=True).update_query(question.params)
        limit = aiohttp.ClientTimeout(total=question.seconds, connect=_CONNECT_SECONDS, sock_connect=_CONNECT_SECONDS)
        headers = _with_address(question.headers, question.address)
        body = question.body or None
        async with self._opened().request(question.method, url, headers=headers, data=body, timeout=limit) as answer:
            return answer.status, await answer.read(), answer.headers.get("Retry-After", "")

    async def follow(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Hand on a stream of the API as it comes, until either side ends it. Raises `ApiProblem`."""
        url = URL(self._base_url + path, encoded=True)
        endless = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
        try:
            async with self._opened().get(url, headers=headers, timeout=endless) as answer:
                if answer.status >= _FIRST_PROBLEM:
                    raise ApiProblem(answer.status, {})
                async for piece in answer.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ApiProblem(HTTPStatus.SERVICE_UNAVAILABLE, {"code": "unavailable"}) from error

    def _opened(self) -> aiohttp.ClientSession:
        # A session belongs to the running loop, so it is made at the first call.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEPT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


async def _ask(app: ASGIApp, question: Question) -> Answer:
    """Let the app that serves the page answer as the API: no connection, everything else is the same."""
    call = LocalCall(
        method=question.method,
        path=question.path,
        query=urlencode(question.params, doseq=True),
        headers=question.headers,
        body=question.body,
        client=question.address,
    )
    status, headers, content = await call.answered_by(app, seconds=question.seconds)
    return status, content, headers.get(b"retry-after", b"").decode()


@dataclass(frozen=True)
class Desk:
    """The API as one reader is answered, on a page of `app`: `token` is theirs, or empty before the sign-in. Readers of
    equal `sees` are shown the same directory: those of one department, or those who see all of it."""

    api: Api
    app: ASGIApp
    token: str
    language: str
    address: str = ""
    sees: str | None = None

    async def get(self, path: str, **params: Param) -> Any:
        """Read; a list is a repeated parameter, None is left out. Raises `ApiProblem`."""
        asked = {name: value for name, value in params.items() if value is not None}
        return await self._ask("GET", path, params=asked)

    async def find(self, path: str, **params: Param) -> Any | None:
        """Read what this reader may not be entitled to, or this installation may not have: None then."""
        try:
            return await self.get(path, **params)
        except ApiProblem as problem:
            if problem.status in _OPTIONAL:
                return None
            raise

    async def has_changed(self, path: str, version: str) -> bool:
        """Whether a thing is no longer at this version; nothing of it is read."""
        return await self._ask("GET", path, {"If-None-Match": f'"{version}"'}) is not None

    async def items(self, path: str, most: int = 1000) -> list[dict[str, Any]]:
        """Read a whole list, page by page, up to `most` items."""
        return await self.rest(path, await self.get(path, limit=200), most)

    async def rest(self, path: str, page: Mapping[str, Any], most: int = 1000) -> list[dict[str, Any]]:
        """The items of a list of which the first page is there, and those of the pages behind it, up to `most`."""
        found: list[dict[str, Any]] = list(page["items"])
        while page["next_cursor"] is not None and len(found) < most:
            page = await self.get(path, limit=200, cursor=page["next_cursor"])
            found += page["items"]
        return found

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        version: int | None = None,
        seconds: float | None = None,
    ) -> Any:
        """Send; `key` makes repeats one, `version` must still be the current one; `seconds` is the longest wait where
        it is not the usual one. Raises `ApiProblem`."""
        headers = {**_is(_JSON), **({"Idempotency-Key": key} if key else {}), **_if_still(version)}
        return await self._ask("POST", path, headers, body=_encoded(body or {}), seconds=seconds)

    async def patch(self, path: str, body: object) -> Any:
        """Change. Raises `ApiProblem`."""
        return await self._ask("PATCH", path, _is(_JSON), body=_encoded(body))

    async def put(self, path: str, body: object, *, version: int | None = None) -> Any:
        """Store the next version; `version` must still be the current one. Raises `ApiProblem`."""
        return await self._ask("PUT", path, {**_is(_JSON), **_if_still(version)}, body=_encoded(body))

    async def send_text(
        self, method: str, path: str, text: str, media_type: str, *, version: int | None = None, **params: str | int
    ) -> Any:
        """PUT or POST a text that is no JSON: YAML, iCalendar. Raises `ApiProblem`."""
        headers = {**_is(media_type), **_if_still(version)}
        return await self._ask(method, path, headers, params=params, body=text.encode())

    async def delete(self, path: str) -> None:
        """Remove. Raises `ApiProblem`."""
        await self._ask("DELETE", path)

    async def file(self, path: str, **params: str | int) -> bytes:
        """Read what is no JSON: a calendar as a file. Raises `ApiProblem`."""
        pieces = self.api.follow(f"{path}?{urlencode(params)}", self._told({}))
        return b"".join([piece async for piece in pieces])

    def follow(self, path: str, after: str | None = None) -> AsyncIterator[bytes]:
        """A stream of server-sent events, from where `after` says. Raises `ApiProblem`."""
        place = {"Last-Event-ID": after} if after else {}
        return self.api.follow(path, self._told({"Accept": "text/event-stream", **place}))

    async def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        params: Params | None = None,
        body: bytes = b"",
        seconds: float | None = None,
    ) -> Any:
        question = Question(
            method, path, self._headers(headers or {}), params or {}, body, self.address, seconds or _SECONDS
        )
        return await self.api.ask(self.app, question)

    def _told(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return _with_address(self._headers(headers), self.address)

    def _headers(self, extra: Mapping[str, str]) -> dict[str, str]:
        sign_in = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Accept-Language": self.language, "X-Request-Id": request_id.get(), **sign_in, **extra}


def _with_address(headers: Mapping[str, str], address: str) -> dict[str, str]:
    return {**headers, **({"X-Forwarded-For": address} if address else {})}


def _is(media_type: str) -> dict[str, str]:
    return {"Content-Type": media_type}


def _if_still(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def _encoded(body: object) -> bytes:
    return json.dumps(body).encode()


def path(*segments: str) -> str:
    """Join segments to a path, each quoted."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
