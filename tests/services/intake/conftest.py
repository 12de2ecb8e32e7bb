"""An intake behind its two ports, on a fresh database: `IntakeHarness`."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OKPKey

from services.contracts.directory import StaffRole
from services.intake.assembly import assemble
from services.intake.service import Intake
from services.intake.settings import IntakeSettings
from services.runtime.http.app import create_app
from services.runtime.http.internal import create_internal_app
from services.runtime.pages.refusals import refusal_pages
from services.runtime.role_parts import publish
from services.runtime.security.auth import Authenticator
from tests.ports import free_port
from tests.services.intake.harness import SECRET, IntakeHarness, Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A workflow service that listens."""
    receiver = Receiver(free_port())
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
def settings(database_url: str, receiver: Receiver) -> IntakeSettings:
    """Intake's settings on the test's own database."""
    return IntakeSettings(
        database_url=database_url,
        database_role="bihuan_app",
        internal_secret=SECRET,
        link_secret="links",
        tickets_url=receiver.url,
        public_url="http://bihuan.example",
    )


@pytest.fixture
async def harness(settings: IntakeSettings, receiver: Receiver, tmp_path: Path) -> AsyncIterator[IntakeHarness]:
    """李雷 is a clerk of the after-sales department, 王芳 supervises, 赵敏 is a clerk of another department."""
    pair = OKPKey.generate_key("Ed25519")
    authenticator = Authenticator(verify_key_pem=pair.as_pem(private=False), internal_secret=SECRET, directory=None)
    async with assemble(settings) as part:
        outer = create_app(
            "Bihuan", *part.routers, settings=settings, authenticator=authenticator, refuse=refusal_pages(settings)
        )
        publish(outer, [part])
        inner = create_internal_app([part], settings)
        assert isinstance(part.state, Intake)
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://bihuan") as public,
            httpx.AsyncClient(transport=httpx.ASGITransport(inner), base_url="http://intake") as internal,
        ):
            harness = IntakeHarness(public, internal, part.state, receiver, pair.as_pem(private=True))
            harness.sign_in("李雷", StaffRole.CLERK, department="after-sales")
            harness.sign_in("王芳", StaffRole.SUPERVISOR)
            harness.sign_in("赵敏", StaffRole.CLERK, department="logistics")
            harness.sign_in("审计", StaffRole.AUDITOR)
            harness.sign_in("管理", StaffRole.MANAGER)
            yield harness
