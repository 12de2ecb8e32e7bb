"""Endpoints of every shape, to throw things at."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field

from services.runtime.errors import Conflict
from services.runtime.http.conditions import if_match
from services.runtime.http.paging import CursorQuery, LimitQuery, decode_cursor, page
from services.runtime.security.auth import CallerDep, PeerDep

SECRET = "the services' own secret, long enough to be one"
RECEIVE_SECONDS = 1.0
router = APIRouter()


class Part(BaseModel):
    """Something inside an order."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=0, le=2**53)
    note: str = Field(default="", max_length=100)


class Order(BaseModel):
    """A body with everything in it."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="nobody", max_length=50)
    weight: float = 0
    parts: list[Part] = []
    labels: dict[str, str] = {}


@router.post("/v1/orders", status_code=201)
async def place(order: Annotated[Order, Body()], request: Request, caller: CallerDep) -> dict[str, Any]:
    """Echo the order as it was understood, and as it was parsed."""
    return {"order": order.model_dump(), "json": request.state.json, "caller": caller.id}


@router.get("/v1/orders")
async def list_orders(limit: LimitQuery = 50, cursor: CursorQuery = None) -> dict[str, Any]:
    """Answer a page whose only item is the cursor's position."""
    return page([decode_cursor(cursor, str, int)] if cursor else [], str(limit))


@router.get("/v1/orders/{number}")
async def show(number: str, request: Request) -> dict[str, Any]:
    """Echo what was asked for."""
    demanded = if_match(request)
    return {"number": number, "version": demanded and sorted(demanded)}


@router.delete("/v1/orders/{number}")
async def cancel(number: str) -> dict[str, str]:
    """Another method of the same path."""
    return {"number": number}


@router.post("/v1/refusals")
async def refuse() -> None:
    """Refuse with details."""
    raise Conflict(code="illegal_transition", extra={"allowed": ["accept"]})


@router.get("/v1/boom")
async def fail(q: str = "") -> None:
    """Fail with a text that nobody may see."""
    raise RuntimeError("13800138000")


@router.get("/v1/slow")
async def wait() -> dict[str, str]:
    """Take a while."""
    await asyncio.sleep(0.5)
    return {}


@router.get("/v1/me")
async def me(caller: CallerDep) -> dict[str, Any]:
    """Say who is asking."""
    return {"kind": caller.kind, "id": caller.id, "roles": sorted(caller.roles), "department": caller.department}


@router.get("/internal/secret")
async def secret(peer: PeerDep) -> dict[str, str]:
    """Only for services."""
    return {"kind": peer.kind}


async def until(question: Callable[[], Awaitable[object]]) -> None:
    """Return when the answer is true; fail after half a minute."""
    async with asyncio.timeout(30):
        while True:
            if await question():
                return
            await asyncio.sleep(0.01)
