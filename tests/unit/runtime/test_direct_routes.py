"""Direct routes: past FastAPI's layers where all is well, and answers as FastAPI's wherever it is not."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Body, Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.runtime.errors import Conflict, Forbidden
from services.runtime.http.app import create_app
from services.runtime.http.direct_routes import DirectRoute
from services.runtime.security.auth import Authenticator, Caller, CallerDep
from services.runtime.settings import RuntimeSettings
from services.runtime.telemetry import requests_total

SECRET = "the services' own secret, long enough to be one"


class Order(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=5)
    number: int = 1


async def _customer(request: Request, caller: CallerDep) -> Caller:
    if "x-stranger" in request.headers:
        raise Forbidden
    return caller


async def _place(request: Request, order: Order, caller: Annotated[Caller, Depends(_customer)]) -> Response:
    """Echo, and tell whether the app's router was passed."""
    if order.name == "taken":
        raise Conflict
    passed = str("router" in request.scope).lower()
    return JSONResponse([order.model_dump(), caller.id], status_code=201, headers={"x-routed": passed})


async def _known_shop(shop: str, _: CallerDep) -> str:
    if shop == "closed":
        raise Conflict
    return shop


class _Till:
    """A dependency that is an object."""

    async def __call__(self, request: Request) -> str:
        return request.method


async def _place_in(
    shop: Annotated[str, Depends(_known_shop)], till: Annotated[str, Depends(_Till())], order: Annotated[Order, Body()]
) -> Response:
    """Echo, with the shop of the path."""
    return JSONResponse([order.model_dump(), shop, till])


def _app() -> FastAPI:
    direct, usual = APIRouter(route_class=DirectRoute), APIRouter()
    for router, name in ((direct, "direct"), (usual, "usual")):
        router.add_api_route(f"/{name}", _place, methods=["POST"], name=name)
        router.add_api_route(f"/of/{{shop}}/{name}", _place_in, methods=["POST"], name=f"{name}_in")
    authenticator = Authenticator(verify_key_pem=None, internal_secret=SECRET, directory=None)
    return create_app("sample", direct, usual, settings=RuntimeSettings(), authenticator=authenticator)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that has the same endpoint twice."""
    transport = httpx.ASGITransport(_app(), raise_app_exceptions=False)
    signed_in = {"Authorization": f"Bearer {SECRET}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://app", headers=signed_in) as client:
        yield client


async def test_a_request_in_order_goes_past_the_router(client: httpx.AsyncClient) -> None:
    direct, usual = [await client.post(path, json={"name": "a", "number": 2}) for path in ("/direct", "/usual")]
    assert (direct.status_code, direct.json()) == (usual.status_code, usual.json())
    assert direct.json() == [{"name": "a", "number": 2}, "service"]
    assert (direct.headers["x-routed"], usual.headers["x-routed"]) == ("false", "true")
    assert direct.headers.keys() == usual.headers.keys()


@pytest.mark.parametrize("shop", ["近", "a%20b", "a%2Fb", "closed", "%0A"])
@pytest.mark.parametrize("order", [{"name": "a"}, {"name": ""}])
async def test_a_path_may_hold_texts(client: httpx.AsyncClient, shop: str, order: dict[str, Any]) -> None:
    direct, usual = [await client.post(f"/of/{shop}/{name}", json=order) for name in ("direct", "usual")]
    assert direct.status_code == usual.status_code
    assert {**_body(direct)} == {**_body(usual)}


async def test_a_path_that_only_ends_like_a_direct_one_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/off/a/direct", "/of//direct", "/of/a/b/direct"):
        assert (await client.post(path, json={"name": "a"})).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {}},
        {"content": b""},
        {"json": {"name": ""}},
        {"json": {"name": "longer"}},
        {"json": {"name": "a", "number": "x"}},
        {"json": {"name": "a", "more": 1}},
        {"json": {"name": "taken"}},
        {"json": []},
        {"json": "name"},
        {"content": b"null", "headers": {"content-type": "application/json"}},
        {"content": b'{"name":', "headers": {"content-type": "application/json"}},
        {"content": b'{"name": "a", "name": "b"}', "headers": {"content-type": "application/json"}},
        {"content": b"name", "headers": {"content-type": "text/plain"}},
        {"content": b"name: a", "headers": {"content-type": "application/yaml"}},
        {"data": {"name": "a"}},
        {"json": {"name": "a"}, "params": {"more": "1"}},
        {"json": {"name": ""}, "headers": {"x-stranger": "1"}},
        {"json": {"name": ""}, "headers": {"Authorization": "Bearer nobody's"}},
        {"json": {"name": ""}, "headers": {"Accept-Language": "zh"}},
        {"json": {"name": "a"}, "method": "PUT"},
        {"method": "GET"},
        {"method": "HEAD"},
    ],
)
async def test_what_is_not_in_order_is_answered_as_by_any_other_route(
    client: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    direct, usual = [await client.request(**{"method": "POST", "url": path, **sent}) for path in ("/direct", "/usual")]
    assert direct.status_code >= 400
    assert direct.status_code == usual.status_code
    assert _told(direct) == _told(usual)


def _body(answer: httpx.Response) -> dict[str, Any]:
    return _told(answer) if answer.is_error else {"answer": answer.json()}


def _told(answer: httpx.Response) -> dict[str, Any]:
    return {**answer.json(), "request_id": ""} if answer.content else {}


async def test_a_direct_request_is_counted_by_its_route(client: httpx.AsyncClient) -> None:
    counted = requests_total.labels("POST", "/direct", 201)
    before = counted._value.get()
    await client.post("/direct", json={"name": "a"})
    assert counted._value.get() == before + 1


async def _with_path(number: str) -> Response:
    return Response(number)


async def _with_number(number: int) -> Response:
    return Response(str(number))


async def _with_short_text(number: Annotated[str, Path(max_length=3)]) -> Response:
    return Response(number)


async def _with_query(number: int = 1) -> Response:
    return Response(str(number))


async def _with_two_bodies(one: Order, other: Order) -> Response:
    return Response(one.name + other.name)


async def _with_tasks(tasks: BackgroundTasks) -> Response:
    return Response(str(tasks))


def _in_a_thread() -> Response:
    return Response()


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/{number}", _with_path),
        ("/{number}/of", _with_number),
        ("/{number}/of", _with_short_text),
        ("/", _with_query),
        ("/", _with_two_bodies),
        ("/", _with_tasks),
        ("/", _in_a_thread),
    ],
)
def test_an_endpoint_that_takes_more_is_no_direct_route(path: str, endpoint: Any) -> None:
    with pytest.raises(TypeError, match="more than a direct route gives"):
        APIRouter(route_class=DirectRoute).add_api_route(path, endpoint, methods=["POST"])
