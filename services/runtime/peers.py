"""Calls to another service's internal port."""

from typing import Any
from urllib.parse import quote

import httpx

from services.runtime.errors import Conflict, Forbidden, NotFound, Refusal, Unavailable, ValidationFailed
from services.runtime.telemetry import request_id

_TIMEOUT = httpx.Timeout(5.0, connect=1.5, pool=1.5)
_LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=4.0)


class Peer:
    """One service, by the base of its internal port. Its refusals are raised here as they were there."""

    def __init__(self, base_url: str, secret: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=_TIMEOUT,
            limits=_LIMITS,
            trust_env=False,
            transport=transport,
        )

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
        """Close the connections."""
        await self._client.aclose()

    async def _call(
        self, method: str, path: str, *, params: dict[str, str | int] | None = None, json: Any = None
    ) -> Any:
        try:
            answer = await self._client.request(
                method, path, params=params or None, json=json, headers={"X-Request-Id": request_id.get()}
            )
            body = answer.json() if answer.content else None
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable from error
        if answer.is_success:
            return body
        raise _refusal(answer.status_code, body)


def segment(value: str) -> str:
    """Quote `value` as one segment of a path."""
    return quote(value, safe="")


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
    return Unavailable(detail, code=code if status == Unavailable.status else None)
