"""A survey service on a fresh database, with the people of a service centre: `Desk`."""

from collections.abc import AsyncIterator

import httpx
import pytest
from joserfc.jwk import OKPKey

from services.contracts.directory import StaffRole
from services.runtime.auth import Authenticator
from services.runtime.http import create_app
from services.runtime.pages import refusal_pages
from services.runtime.parts import publish
from services.survey.assembly import assemble
from services.survey.service import SurveyService
from services.survey.settings import SurveySettings
from tests.services.survey.desk import Desk

PEOPLE = {
    "李雷": (StaffRole.CLERK, "after-sales"),
    "林涛": (StaffRole.HANDLER, "after-sales"),
    "周强": (StaffRole.DEPARTMENT_HEAD, "after-sales"),
    "王芳": (StaffRole.SUPERVISOR, None),
    "吴刚": (StaffRole.MANAGER, "after-sales"),
    "高原": (StaffRole.MANAGER, None),
    "郑洁": (StaffRole.AUDITOR, None),
    "孙磊": (StaffRole.ADMIN, None),
    "赵敏": (StaffRole.DEPARTMENT_HEAD, "logistics"),
    "钱进": (StaffRole.CLERK, "logistics"),
}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """林涛 owns the tickets unless a test says otherwise; 赵敏 and 钱进 are of another department."""
    settings = SurveySettings(
        database_url=database_url,
        database_role="bihuan_app",
        internal_secret="between-services",
        link_secret="links",
        public_url="http://bihuan.test",
    )
    pair = OKPKey.generate_key("Ed25519")
    authenticator = Authenticator(verify_key_pem=pair.as_pem(private=False), internal_secret="", directory=None)
    async with assemble(settings) as part:
        assert isinstance(part.state, SurveyService)
        await part.state.questionnaires.seed()
        app = create_app(
            "Bihuan", *part.routers, settings=settings, authenticator=authenticator, refuse=refusal_pages(settings)
        )
        publish(app, [part])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bihuan.test") as http:
            desk = Desk(http, part.state, pair.as_pem(private=True))
            for name, (role, department) in PEOPLE.items():
                desk.sign_in(name, role, department=department)
            yield desk
