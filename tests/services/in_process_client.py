"""A peer in the same process: what a service would send over the wire goes straight into the other's app."""

from collections.abc import Mapping

import httpx

from services.runtime.service_client import ServiceClient


class InsidePeer(ServiceClient):
    """Asks the app behind `transport`."""

    def __init__(self, transport: httpx.AsyncBaseTransport, secret: str) -> None:
        super().__init__("http://inside", secret)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://inside")

    async def send(
        self, method: str, path: str, *, params: Mapping[str, str | int], json: object, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Carry one request into the app."""
        answer = await self._client.request(method, path, params=dict(params) or None, json=json, headers=dict(headers))
        return answer.status_code, answer.content

    async def close(self) -> None:
        """Let go of the app."""
        await self._client.aclose()
