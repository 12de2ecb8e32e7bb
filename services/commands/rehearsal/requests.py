"""Requests to the public API that are repeated, with the same key, until their answer is known."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

IN_FLIGHT = "idempotency_in_flight"
_LATER = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE})
_PAUSE_SECONDS = 0.5


class RefusedRequest(Exception):
    """The API said no: repeating changes nothing."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = _problem(answer)
        self.status = answer.status_code
        self.code = str(problem.get("code", "unknown"))
        said = problem.get("errors") or problem.get("detail") or ""
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {self.status} {self.code} {said}".strip())


class Unanswered(Exception):
    """No answer within the patience: the effect is unknown."""


class RequestSender:
    """One API, one key. `repeats` counts the requests that had to be sent again."""

    def __init__(self, url: str, key: str, *, connections: int, patience_seconds: float = 120.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"},
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            timeout=30,
            trust_env=False,
        )
        self._patience_seconds = patience_seconds
        self.repeats = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Post once: repeats carry the same `Idempotency-Key`.

        Raises:
            Refused: the API said no.
            Unanswered: it was silent, or told to come later, for longer than the patience.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return await self._answer(self._client.build_request("POST", path, json=dict(body), headers=headers))

    async def get(self, path: str, **query: str) -> Any:
        """Read; raises as `post` does."""
        return await self._answer(self._client.build_request("GET", path, params=query))

    async def _answer(self, request: httpx.Request) -> Any:
        given_up_at = time.monotonic() + self._patience_seconds
        while True:
            pause = _PAUSE_SECONDS
            try:
                answer = await self._client.send(request)
            except httpx.TransportError as error:
                said = type(error).__name__
            else:
                if answer.is_success:
                    return answer.json()
                if not _is_for_later(answer):
                    raise RefusedRequest(answer)
                said, pause = str(answer.status_code), _retry_after(answer)
            if time.monotonic() + pause > given_up_at:
                raise Unanswered(f"{request.method} {request.url.path}: {said} for {self._patience_seconds:.0f} s")
            self.repeats += 1
            await asyncio.sleep(pause)


def _is_for_later(answer: httpx.Response) -> bool:
    return answer.status_code in _LATER or _problem(answer).get("code") == IN_FLIGHT


def _retry_after(answer: httpx.Response) -> float:
    try:
        return max(float(answer.headers.get("Retry-After", _PAUSE_SECONDS)), 0.0)
    except ValueError:
        return _PAUSE_SECONDS


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
