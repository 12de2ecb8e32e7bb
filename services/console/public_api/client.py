"""The public API as the console asks it: with the token and in the language of whoever looks at the page."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from services.runtime.telemetry import request_id

# A command may take 8 s until its effect is known; after that the API itself answers 503.
_TIMEOUT = aiohttp.ClientTimeout(total=15.0, connect=2.0, sock_connect=2.0)
_CONNECTIONS = 100
_KEPT_SECONDS = 4.0
_FIRST_PROBLEM = 300
# A stream of the API says something every 15 s.
_SILENT_SECONDS = 45.0
_OPTIONAL = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})

Params = Mapping[str, str | int | list[str]]
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


class Api:
    """One per process; connections are shared by everybody who looks at pages."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        params: Params,
        body: object = None,
        text: str | None = None,
        seconds: float | None = None,
    ) -> Any:
        """Return the parsed answer; raise `ApiProblem`. `text` is a body that is no JSON; `headers` say what it is.
        `seconds` is the longest wait, where it is not the usual one."""
        url = URL(self._base_url + path, encoded=True).update_query(params)
        sent: dict[str, Any] = {"json": body} if text is None else {"data": text.encode()}
        if seconds is not None:
            sent["timeout"] = aiohttp.ClientTimeout(total=seconds, connect=2.0, sock_connect=2.0)
        try:
            async with self._opened().request(method, url, headers=headers, **sent) as answer:
                status, content, waiting = answer.status, await answer.read(), answer.headers.get("Retry-After", "")
            parsed = json.loads(content) if content else None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ApiProblem(HTTPStatus.SERVICE_UNAVAILABLE, {"code": "unavailable"}) from error
        if status < _FIRST_PROBLEM or status == HTTPStatus.NOT_MODIFIED:
            return parsed
        known = parsed if isinstance(parsed, dict) else {}
        raise ApiProblem(status, known, int(waiting) if waiting.isdigit() else None)

    async def follow(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Hand on a stream of the API as it comes, until either side ends it. Raises `ApiProblem`."""
        url = URL(self._base_url + path, encoded=True)
        endless = aiohttp.ClientTimeout(total=None, connect=2.0, sock_read=_SILENT_SECONDS)
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
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


@dataclass(frozen=True)
class Desk:
    """The API as one reader is answered: `token` is theirs, or empty before the sign-in. Readers of equal `sees` are
    shown the same directory: those of one department, or those who see all of it."""

    api: Api
    token: str
    language: str
    address: str = ""
    sees: str | None = None

    async def get(self, path: str, **params: Param) -> Any:
        """Read; a list is a repeated parameter, None is left out. Raises `ApiProblem`."""
        asked = {name: value for name, value in params.items() if value is not None}
        return await self.api.ask("GET", path, headers=self._headers(), params=asked)

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
        headers = self._headers({"If-None-Match": f'"{version}"'})
        return await self.api.ask("GET", path, headers=headers, params={}) is not None

    async def items(self, path: str, most: int = 1000) -> list[dict[str, Any]]:
        """Read a whole list, page by page, up to `most` items."""
        page = await self.get(path, limit=200)
        found: list[dict[str, Any]] = page["items"]
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
        headers = self._headers({"Idempotency-Key": key} if key else {}, version)
        return await self.api.ask("POST", path, headers=headers, params={}, body=body or {}, seconds=seconds)

    async def patch(self, path: str, body: object) -> Any:
        """Change. Raises `ApiProblem`."""
        return await self.api.ask("PATCH", path, headers=self._headers(), params={}, body=body)

    async def put(self, path: str, body: object, *, version: int | None = None) -> Any:
        """Store the next version; `version` must still be the current one. Raises `ApiProblem`."""
        return await self.api.ask("PUT", path, headers=self._headers({}, version), params={}, body=body)

    async def send_text(
        self, method: str, path: str, text: str, media_type: str, *, version: int | None = None, **params: str | int
    ) -> Any:
        """PUT or POST a text that is no JSON: YAML, iCalendar. Raises `ApiProblem`."""
        headers = self._headers({"Content-Type": media_type}, version)
        return await self.api.ask(method, path, headers=headers, params=params, text=text)

    async def delete(self, path: str) -> None:
        """Remove. Raises `ApiProblem`."""
        await self.api.ask("DELETE", path, headers=self._headers(), params={})

    async def file(self, path: str, **params: str | int) -> bytes:
        """Read what is no JSON: a calendar as a file. Raises `ApiProblem`."""
        pieces = self.api.follow(f"{path}?{urlencode(params)}", self._headers())
        return b"".join([piece async for piece in pieces])

    def follow(self, path: str, after: str | None = None) -> AsyncIterator[bytes]:
        """A stream of server-sent events, from where `after` says. Raises `ApiProblem`."""
        place = {"Last-Event-ID": after} if after else {}
        return self.api.follow(path, self._headers({"Accept": "text/event-stream", **place}))

    def _headers(self, extra: Mapping[str, str] | None = None, version: int | None = None) -> dict[str, str]:
        headers = {"Accept-Language": self.language, "X-Request-Id": request_id.get(), **(extra or {})}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.address:
            headers["X-Forwarded-For"] = self.address
        return headers


def path(*segments: str) -> str:
    """Join segments to a path, each quoted."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
