"""Intake under test: its two ports, the people who use it, and a small workflow service on a real socket."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.contracts.directory import StaffRole
from services.intake.service import Intake
from services.runtime.postgres.idempotency import KeyedRequest
from services.runtime.security.auth import mint_token

SECRET = "between-services"
CANARY_PHONE = "+8613912345678"
CANARY_EMAIL = "canary.hanmeimei@example.com"


def keyed(caller: str, key: str | None = None) -> KeyedRequest:
    """A request of the caller, the same under every key."""
    return KeyedRequest(caller, key, lambda: "hash")


def feedback(**changes: Any) -> dict[str, Any]:
    """A complete fault reported by 韩梅梅 through the web form, but for `changes`."""
    return {
        "channel": "web",
        "customer": {"name": "韩梅梅", "phone": "13800138000"},
        "product": {"model": "BCD-500", "serial_no": "SER20230915002"},
        "kind": "fault",
        "category": "product_fault",
        "urgency": "normal",
        "description": "冰箱不制冷",
        **changes,
    }


class Receiver:
    """A workflow service as the relay and the permission checks see it; can be away and come back."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[str] = []
        self.refused: set[str] = set()
        self.refusals = 0
        self.access: dict[str, Mapping[str, Any]] = {}
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The internal base."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        app = Starlette(
            routes=[
                Route("/healthz", lambda _: JSONResponse({"status": "ok"})),
                Route("/internal/tickets", self._take, methods=["POST"]),
                Route("/internal/tickets/accesses", self._tell_accesses, methods=["POST"]),
                Route("/internal/tickets/{ticket_no}/access", self._tell_access),
            ]
        )
        self._server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_config=None, timeout_graceful_shutdown=1, lifespan="off")
        )
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task = asyncio.create_task(self._server.serve())
        await until(lambda: bool(self._server and self._server.started))

    async def stop(self) -> None:
        """Hang up."""
        if self._server and self._task:
            self._server.should_exit = True
            await self._task
            self._server = None

    async def _take(self, request: Request) -> Response:
        numbers = [each["ticket_no"] for each in (await request.json())["items"]]
        if self.refused & set(numbers):
            self.refusals += 1
            return JSONResponse({"code": "internal_error"}, status_code=500)
        self.received += numbers
        return JSONResponse({"items": [{"ticket_no": number, "registered": True} for number in numbers]})

    async def _tell_accesses(self, request: Request) -> Response:
        asked = (await request.json())["ticket_nos"]
        return JSONResponse({"items": [{"ticket_no": it, **self.access[it]} for it in asked if it in self.access]})

    async def _tell_access(self, request: Request) -> Response:
        known = self.access.get(request.path_params["ticket_no"])
        if known is None:
            return JSONResponse({"code": "not_found"}, status_code=404)
        return JSONResponse({"ticket_no": request.path_params["ticket_no"], **known})


@dataclass
class IntakeHarness:
    """A service desk: the public API, the internal one, the workflow service beside it."""

    public: httpx.AsyncClient
    internal: httpx.AsyncClient
    intake: Intake
    receiver: Receiver
    signing_key: bytes
    tokens: dict[str, str] = field(default_factory=dict)

    def sign_in(self, name: str, *roles: StaffRole, department: str | None = None) -> None:
        """Give somebody a token; `call(..., by=name)` uses it."""
        self.tokens[name] = mint_token(
            self.signing_key, staff_id=name, name=name, username="staff", roles=roles, department=department
        )

    async def call(
        self, method: str, path: str, body: Any = None, *, by: str | None = "李雷", **headers: str
    ) -> httpx.Response:
        """Ask the public API."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            given["Authorization"] = f"Bearer {self.tokens[by]}"
        return await self.public.request(method, path, json=body, headers=given)

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the internal API as another service."""
        return await self.internal.request(method, path, json=body, headers={"Authorization": f"Bearer {SECRET}"})

    async def register(self, **changes: Any) -> dict[str, Any]:
        """Register a feedback that must succeed."""
        answer = await self.call("POST", "/v1/feedback", feedback(**changes))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def belongs(self, ticket_no: str, **access: Any) -> None:
        """Let the workflow service say whose a ticket is."""
        defaults: dict[str, Any] = {
            "department": "after-sales",
            "owner": None,
            "co_owners": [],
            "phase": "processing.assigned",
        }
        self.receiver.access[ticket_no] = {**defaults, **access}


async def until(holds: Any, seconds: float = 30.0) -> None:
    """Return when `holds()` is true; fail the test when that takes longer than `seconds`."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is another task's, or another process's
            await asyncio.sleep(0.01)
