"""Repeats with one key: one effect, one answer (api.md)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, Request, Response
from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.errors import Conflict
from services.runtime.http.app import create_app
from services.runtime.postgres import idempotency as module
from services.runtime.postgres.database import Database
from services.runtime.postgres.idempotency import KEPT, HttpAnswer, Idempotency, idempotency_table
from services.runtime.security.auth import Authenticator, CallerDep
from services.runtime.settings import RuntimeSettings
from tests.services.repeats import until_known
from tests.services.runtime.conftest import KeyPair, serving
from tests.services.runtime.sample_app import SECRET, until
from tests.services.runtime.test_runtime_auth import lilei

metadata = MetaData(schema="till")
remembered = idempotency_table(metadata)


class CountedEndpoint:
    """An endpoint with an effect that can be counted, made to wait and made to fail."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.idempotency = Idempotency(database, remembered, "secret")
        self.open = asyncio.Event()
        self.open.set()
        self.failing = False

    async def sales(self) -> int:
        """Number of times that the effect happened."""
        async with self.database.read() as connection:
            return int((await connection.execute(text("SELECT count(*) FROM till.sales"))).scalar_one())

    def router(self) -> APIRouter:
        """The endpoints."""
        router = APIRouter()

        @router.post("/v1/sales")
        @router.post("/v1/other-sales")
        async def sell(request: Request, caller: CallerDep, body: Annotated[Any, Body()]) -> Response:
            return await self.idempotency.once(request, caller, lambda connection: self._sell(connection, body))

        return router

    async def _sell(self, connection: AsyncConnection, body: Any) -> HttpAnswer:
        await self.open.wait()
        if self.failing:
            raise Conflict
        number = (await connection.execute(text("INSERT INTO till.sales DEFAULT VALUES RETURNING id"))).scalar_one()
        answer = {"secret": "told once", "number": number}
        return HttpAnswer(answer, 201, {"ETag": '"1"'}, stored={"number": number} if body == {"secret": True} else None)


@pytest.fixture
async def endpoint(pool: Database) -> CountedEndpoint:
    """An empty till."""
    async with pool.begin() as connection:
        await connection.execute(text("DROP SCHEMA IF EXISTS till CASCADE"))
        await connection.execute(text("CREATE SCHEMA till"))
        await connection.execute(text("CREATE TABLE till.sales (id int GENERATED ALWAYS AS IDENTITY)"))
        await connection.run_sync(metadata.create_all)
    return CountedEndpoint(pool)


@pytest.fixture
async def client(endpoint: CountedEndpoint, keys: KeyPair) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the endpoint, as 李雷."""
    settings = RuntimeSettings()
    app = create_app(
        "till",
        endpoint.router(),
        settings=settings,
        authenticator=Authenticator(verify_key_pem=keys.public, internal_secret=SECRET, directory=None),
    )
    limits = httpx.Limits(max_connections=300)
    async with serving(app, settings) as server, httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": "Bearer " + lilei(keys)},
        limits=limits, timeout=20,
    ) as client:  # fmt: skip
        yield client


async def sell(client: httpx.AsyncClient, body: bytes = b'{"a": 1}', key: str = "k", **headers: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **headers}
    return await client.post("/v1/sales", content=body, headers=headers)


async def test_a_repeat_gets_the_first_answer_again(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    first = await sell(client, b'{"a": 1, "b": [1.0, "x"]}')
    again = await sell(client, b'{ "b":[1,"\\u0078"],"a":1e0 }')
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert (again.status_code, again.content, again.headers["etag"]) == (201, first.content, '"1"')
    assert await endpoint.sales() == 1


async def test_without_a_key_every_request_counts(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    for _ in range(2):
        assert (await client.post("/v1/sales", json={})).status_code == 201
    assert await endpoint.sales() == 2


async def test_the_same_key_with_another_body_is_refused(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    await sell(client)
    answer = await sell(client, b'{"a": 2}')
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await endpoint.sales() == 1


async def test_an_empty_body_repeats_an_empty_object(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    await sell(client, b"{}")
    assert (await sell(client, b"")).headers["idempotent-replay"] == "true"
    assert await endpoint.sales() == 1


async def test_a_key_belongs_to_one_caller_and_one_path(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    await sell(client)
    await sell(client, Authorization="Bearer " + SECRET)
    await client.post("/v1/other-sales", json={"a": 1}, headers={"Idempotency-Key": "k"})
    assert await endpoint.sales() == 3


async def test_200_parallel_repeats_have_one_effect(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    answers = await asyncio.gather(*(until_known(partial(sell, client)) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["number"] for answer in answers} == {1}
    assert sum("idempotent-replay" not in answer.headers for answer in answers) == 1
    assert await endpoint.sales() == 1


async def test_a_repeat_waits_for_the_first(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    endpoint.open.clear()
    first = asyncio.create_task(sell(client))
    await _until_claimed(endpoint)
    second = asyncio.create_task(sell(client))
    await _until_waiting(endpoint)
    endpoint.open.set()
    assert (await first).json() == (await second).json()
    assert (await second).headers["idempotent-replay"] == "true"


async def test_a_repeat_does_not_wait_for_ever(
    client: httpx.AsyncClient, endpoint: CountedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_MILLISECONDS", 100)
    endpoint.open.clear()
    first = asyncio.create_task(sell(client))
    await _until_claimed(endpoint)
    second = await sell(client)
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_flight")
    endpoint.open.set()
    assert (await first).status_code == 201


async def test_a_failure_is_not_remembered(client: httpx.AsyncClient, endpoint: CountedEndpoint) -> None:
    endpoint.failing = True
    assert (await sell(client)).status_code == 409
    endpoint.failing = False
    assert (await sell(client)).status_code == 201
    assert await endpoint.sales() == 1


async def test_a_secret_is_told_once(client: httpx.AsyncClient) -> None:
    assert "secret" in (await sell(client, b'{"secret": true}')).json()
    assert (await sell(client, b'{"secret": true}')).json() == {"number": 1}


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await sell(client, key=key)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Idempotency-Key")


async def test_answers_are_kept_30_days_at_least_and_not_for_ever(
    client: httpx.AsyncClient, endpoint: CountedEndpoint
) -> None:
    ages = {"promised": timedelta(days=30), "kept": KEPT - timedelta(hours=1), "old": KEPT}
    for key, age in ages.items():
        await sell(client, key=key)
        async with endpoint.database.begin() as connection:
            older = "UPDATE till.idempotency SET created_at = created_at - CAST(:age AS interval) WHERE key = :key"
            await connection.execute(text(older), {"age": age, "key": key})
    assert await endpoint.idempotency.sweep() == 1
    for key in ("promised", "kept"):
        assert (await sell(client, key=key)).headers["idempotent-replay"] == "true"


def test_equal_json_has_one_fingerprint_and_other_json_another(endpoint: CountedEndpoint) -> None:
    def fingerprint(asked: Any, keyed_by: str = "s") -> str | None:
        return Idempotency(endpoint.database, remembered, keyed_by).under(None, "key", asked).body_hash

    assert fingerprint({"a": 1, "b": None}) == fingerprint({"b": None, "a": 1.0})
    different = [{}, {"a": 1}, {"a": "1"}, {"a": True}, {"a": None}, {"a": [1]}, {"a": 1.5}, [], None]
    assert len({fingerprint(each) for each in different}) == len(different)
    assert fingerprint({}) != fingerprint({}, "t")


async def _until_claimed(endpoint: CountedEndpoint) -> None:
    await _until(endpoint, "wait_event = 'ClientRead' AND state = 'idle in transaction'")


async def _until_waiting(endpoint: CountedEndpoint) -> None:
    await _until(endpoint, "wait_event_type = 'Lock'")


async def _until(endpoint: CountedEndpoint, condition: str) -> None:
    async def holds() -> bool:
        async with endpoint.database.read() as connection:
            found = await connection.execute(text(f"SELECT 1 FROM pg_stat_activity WHERE {condition}"))
            return found.first() is not None

    await until(holds)
