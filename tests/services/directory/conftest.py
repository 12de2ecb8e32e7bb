"""A directory behind its two ports, on a fresh database: `DirectoryHarness`."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import create_async_engine

from services.directory.assembly import assemble
from services.directory.service import DirectoryService
from services.directory.settings import DirectorySettings
from services.directory.tables import metadata
from services.runtime.http.app import create_app
from services.runtime.http.internal import create_internal_app
from services.runtime.role_parts import publish
from services.runtime.security.auth import Authenticator
from tests.services.directory.harness import ADMIN_KEY, PASSWORD, SECRET, DirectoryHarness
from tests.services.in_process_client import InsidePeer


@pytest.fixture
async def bare(database_url: str, tmp_path: Path) -> AsyncIterator[DirectoryHarness]:
    """A directory in which there is nobody."""
    await _make_tables(database_url)
    async with assemble(_settings(database_url, tmp_path)) as part:
        settings = _settings(database_url, tmp_path)
        inner = create_internal_app([part], settings)
        inside = httpx.ASGITransport(inner)
        peer = InsidePeer(inside, SECRET)
        authenticator = Authenticator(
            verify_key_pem=(tmp_path / "verify.pem").read_bytes(), internal_secret=SECRET, directory=peer
        )
        outer = create_app("Bihuan", *part.routers, settings=settings, authenticator=authenticator)
        publish(outer, [part])
        assert isinstance(part.state, DirectoryService)
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://bihuan") as public,
            httpx.AsyncClient(transport=inside, base_url="http://directory") as internal,
        ):
            yield DirectoryHarness(public, internal, part.state)
        await authenticator.close()
        await peer.close()


@pytest.fixture
async def harness(bare: DirectoryHarness) -> DirectoryHarness:
    """A directory after the first start: an administrator `admin`, their key, the default department."""
    answer = await bare.ask(
        "POST", "/internal/bootstrap", {"username": "admin", "password": PASSWORD, "key": ADMIN_KEY}
    )
    assert answer.json() == {"created": True}
    return bare


def _settings(database_url: str, folder: Path) -> DirectorySettings:
    signing, verifying = folder / "signing.pem", folder / "verify.pem"
    if not signing.exists():
        pair = OKPKey.generate_key("Ed25519")
        signing.write_bytes(pair.as_pem(private=True))
        verifying.write_bytes(pair.as_pem(private=False))
    return DirectorySettings(
        database_url=database_url,
        database_role="bihuan_app",
        internal_secret=SECRET,
        signing_key_file=signing,
        verify_key_file=verifying,
    )


async def _make_tables(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
