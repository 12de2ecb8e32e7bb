"""The directory under test, as its callers see it."""

from dataclasses import dataclass
from typing import Any

import httpx

from services.contracts.directory import Scope
from services.directory.service import DirectoryService

SECRET = "between-services"
ADMIN_KEY = "bh_" + "A" * 43
PASSWORD = "correct horse battery"


@dataclass
class DirectoryHarness:
    """A service centre: its public API, its internal one, and the administrator's key."""

    public: httpx.AsyncClient
    internal: httpx.AsyncClient
    directory: DirectoryService

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = ADMIN_KEY, **headers: str
    ) -> httpx.Response:
        """Ask the public API as whoever holds `token`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        return await self.public.request(method, path, json=body, headers=given)

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the internal API as another service."""
        return await self.internal.request(method, path, json=body, headers={"Authorization": f"Bearer {SECRET}"})

    async def make(self, collection: str, body: dict[str, Any], *, token: str = ADMIN_KEY) -> dict[str, Any]:
        """POST something that must succeed."""
        answer = await self.call("POST", f"/v1/{collection}", body, token=token)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def hire(self, username: str, name: str, *roles: str, department: str | None = None) -> dict[str, Any]:
        """Make a member of staff whose password is `PASSWORD`."""
        body = {"username": username, "name": name, "roles": roles, "department": department, "password": PASSWORD}
        return await self.make("staff", body)

    async def sign_in(self, username: str, password: str = PASSWORD) -> str:
        """Sign in and return the token."""
        answer = await self.call("POST", "/v1/token", {"username": username, "password": password}, token=None)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    async def key(self, *scopes: Scope, department: str | None = None) -> str:
        """Make a key and return its secret."""
        made = await self.make("api-keys", {"name": "shop", "scopes": scopes, "department": department})
        secret: str = made["key"]
        return secret
