"""Methods and queries that an app's endpoints do not know of."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.runtime.errors import Forbidden
from services.runtime.http.app import create_app
from services.runtime.settings import RuntimeSettings

router = APIRouter()
pages = APIRouter(include_in_schema=False)
WRITTEN: list[str] = []


class Filters(BaseModel):
    """A query that is a model."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    colour: str = ""
    from_: str = Field(default="", alias="from")


async def _limited(limit: int = 50) -> int:
    return limit


async def _guarded(who: str = "") -> None:
    if who == "nobody":
        raise Forbidden


@router.get("/v1/filtered")
async def filtered(filters: Annotated[Filters, Query()]) -> Filters:
    return filters


@router.get("/v1/listed", dependencies=[Depends(_guarded)])
async def listed(limit: Annotated[int, Depends(_limited)], sort: Annotated[str, Query(alias="order-by")] = "") -> str:
    return f"{limit}{sort}"


@router.post("/v1/made")
async def made(filters: Filters) -> Filters:
    return filters


@router.get("/v1/endless")
async def endless() -> StreamingResponse:
    async def lines() -> AsyncIterator[bytes]:
        while True:
            WRITTEN.append("line")
            yield b"x"

    return StreamingResponse(lines(), media_type="text/event-stream")


@pages.get("/page")
async def page() -> str:
    return "page"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app("queries", router, pages, settings=RuntimeSettings(), authenticator=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://queries") as client:
        yield client


@pytest.mark.parametrize(
    "target",
    [
        "/v1/filtered", "/v1/filtered?colour=red&from=x", "/v1/filtered?colour=red&colour=blue", "/v1/listed?limit=3",
        "/v1/listed?order-by=x&who=me", "/v1/listed?", "/page?surprise=1&utm_source=x",
    ],
)  # fmt: skip
async def test_parameters_that_an_endpoint_or_its_dependencies_know_are_taken(
    http: httpx.AsyncClient, target: str
) -> None:
    assert (await http.get(target)).status_code == 200


@pytest.mark.parametrize(
    ("target", "pointers"),
    [
        ("/v1/filtered?color=red", ["/color"]),
        ("/v1/filtered?from_=x", ["/from_"]),
        ("/v1/filtered?colour=red&COLOUR=red", ["/COLOUR"]),
        ("/v1/listed?limits=3&a~b/c=1", ["/limits", "/a~0b~1c"]),
        ("/v1/listed?=3", ["/"]),
        ("/v1/listed?surprise", ["/surprise"]),
    ],
)
async def test_any_other_is_refused_by_its_pointer(http: httpx.AsyncClient, target: str, pointers: list[str]) -> None:
    refused = await http.get(target)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.json()["errors"]] == pointers
    assert {error["code"] for error in refused.json()["errors"]} == {"unknown_field"}


async def test_a_body_with_an_unknown_parameter_is_refused_too(http: httpx.AsyncClient) -> None:
    assert (await http.post("/v1/made?surprise=1", json={})).status_code == 422
    assert (await http.post("/v1/made", json={})).status_code == 200


async def test_who_may_not_is_not_told_of_parameters(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/listed?who=nobody&surprise=1")).status_code == 403


async def test_head_is_a_get_without_its_body(http: httpx.AsyncClient) -> None:
    for target in ("/v1/listed?limit=3", "/page", "/v1/listed?surprise=1", "/nowhere"):
        got, head = await http.get(target), await http.head(target)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert {**head.headers, "x-request-id": ""} == {**got.headers, "x-request-id": ""}


async def test_a_stream_without_an_end_ends_after_its_head(http: httpx.AsyncClient) -> None:
    WRITTEN.clear()
    head = await http.head("/v1/endless")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert WRITTEN == ["line"]


async def test_another_method_is_told_which_there_are(http: httpx.AsyncClient) -> None:
    assert (await http.put("/v1/listed", json={})).headers["allow"] == "GET, HEAD"
    refused = await http.head("/v1/made")
    assert (refused.status_code, refused.headers["allow"], refused.content) == (405, "POST", b"")
