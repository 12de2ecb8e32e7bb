"""Services of one process call each other's endpoints; what they are told is what HTTP would tell them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from services.runtime.errors import (
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Refusal,
    StaleVersion,
    Unavailable,
    ValidationFailed,
)
from services.runtime.http.internal import create_internal_app
from services.runtime.http.local_endpoints import answering_each_other
from services.runtime.role_parts import Part, service_of
from services.runtime.security.auth import PeerDep
from services.runtime.service_client import ServiceClient, segment
from services.runtime.settings import RuntimeSettings
from tests.services.in_process_client import InsidePeer

SECRET = "between-services"
AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


class Colour(StrEnum):
    """Something that JSON knows as a text."""

    RED = "red"


class Order(BaseModel):
    """A body that is read and answered."""

    model_config = ConfigDict(extra="forbid")
    colour: Colour = Colour.RED
    at: datetime = AT
    parts: tuple[int, ...] = ()
    from_: str = Field(default="here", alias="from")


class Shop:
    """The service of the part."""

    name = "Bihuan"


ShopDep = Annotated[Shop, service_of("shop")]


def _limited(seconds: int) -> RateLimited:
    refusal = RateLimited(seconds)
    refusal.extra["retry_after"] = seconds
    return refusal


REFUSALS: dict[str, Refusal | RuntimeError] = {
    "gone": NotFound("no such thing", code="gone"),
    "yours": Forbidden("not yours"),
    "closed": Conflict(code="illegal_transition", extra={"allowed": ["accept"]}),
    "wrong": ValidationFailed.at("/colour", "unknown", "no such colour"),
    "often": _limited(7),
    "busy": RateLimited(3),
    "away": Unavailable(code="engine_unavailable"),
    "stale": StaleVersion(),
    "broken": RuntimeError("13800138000"),
}
router = APIRouter()


@router.post("/internal/orders/{number}")
async def place(order: Order, number: Annotated[int, Path(ge=1)], _: PeerDep, shop: ShopDep) -> dict[str, Any]:
    """Echo what was understood."""
    return {"number": number, "order": order, "shop": shop.name}


@router.get("/internal/words/{word}")
async def read(word: str, _: PeerDep) -> Response:
    """Echo a text."""
    return Response(Order(**{"from": word}).model_dump_json(by_alias=True), media_type="application/json")


@router.put("/internal/words", status_code=204)
async def forget(_: PeerDep) -> None:
    """Answer nothing."""


@router.get("/internal/pages")
async def pages(_: PeerDep, limit: int = 3) -> dict[str, int]:
    """Read a query."""
    return {"limit": limit}


@router.get("/internal/refusals/{name}")
async def refuse(name: str, _: PeerDep) -> None:
    """Refuse."""
    raise REFUSALS[name]


@pytest.fixture(params=["over HTTP", "in the process"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[ServiceClient]:
    """A client of the shop, which asks it one way or the other."""
    part = Part(name="shop", internal_routers=[router], state=Shop())
    app = create_internal_app([part], RuntimeSettings(database_url="postgresql://nobody", internal_secret=SECRET))
    peer = InsidePeer(httpx.ASGITransport(app), SECRET)
    if request.param == "over HTTP":
        yield peer
    else:
        linked = Part(name="shop", internal_routers=[router], state=Shop(), clients=[peer])
        with answering_each_other([linked]):
            yield peer
    assert peer.local is None
    await peer.close()


async def test_an_endpoint_is_given_path_body_and_service_and_answers_json(peer: ServiceClient) -> None:
    answer = await peer.post("/internal/orders/3", {"colour": "red", "parts": [1, 2], "at": "2026-11-20T06:30:00Z"})
    expected = {"colour": "red", "at": "2026-11-20T06:30:00Z", "parts": [1, 2], "from": "here"}
    assert answer == {"number": 3, "order": expected, "shop": "Bihuan"}
    assert (await peer.post("/internal/orders/3"))["order"] == {**expected, "parts": []}


async def test_a_response_is_read_as_its_json_and_none_is_nothing(peer: ServiceClient) -> None:
    told = await peer.get(f"/internal/words/{segment('满 意')}")
    assert told["from"] == "满 意"
    assert await peer.put("/internal/words") is None


async def test_a_query_is_asked_too(peer: ServiceClient) -> None:
    assert await peer.get("/internal/pages", limit=7) == {"limit": 7}
    assert await peer.get("/internal/pages") == {"limit": 3}


@pytest.mark.parametrize("name", ["gone", "yours", "closed", "wrong", "often", "away"])
async def test_a_refusal_that_concerns_the_question_is_raised_as_it_was(peer: ServiceClient, name: str) -> None:
    there = REFUSALS[name]
    assert isinstance(there, Refusal)
    with pytest.raises(type(there)) as refused:
        await peer.get(f"/internal/refusals/{name}")
    assert refused.value.code == there.code
    for told in ("allowed", "errors"):
        assert refused.value.extra.get(told) == there.extra.get(told)
    assert getattr(refused.value, "retry_after", 2) == getattr(there, "retry_after", 2)


@pytest.mark.parametrize("name", ["stale", "busy", "broken"])
async def test_every_other_failure_is_the_peers_own(peer: ServiceClient, name: str) -> None:
    with pytest.raises(Unavailable) as failed:
        await peer.get(f"/internal/refusals/{name}")
    assert "138" not in str(failed.value)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [("/internal/orders/3", {"surprise": 1}, "/surprise"), ("/internal/orders/0", {}, "/number")],
)
async def test_what_an_endpoint_does_not_take_is_named(
    peer: ServiceClient, path: str, body: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await peer.post(path, body)
    assert [error["pointer"] for error in refused.value.errors] == [pointer]


async def test_a_path_that_nobody_has_is_not_found(peer: ServiceClient) -> None:
    for ask in (peer.get("/internal/nothing"), peer.get("/internal/orders/3"), peer.get("/internal/words/a%2Fb")):
        with pytest.raises((NotFound, Unavailable)):
            await ask
