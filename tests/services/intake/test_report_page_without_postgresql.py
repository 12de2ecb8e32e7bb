"""PostgreSQL down: the form comes back with everything that was typed and the same key, so that sending it again counts
once (I1, I3)."""

import pytest

from services.intake.settings import IntakeSettings
from tests.ports import free_port
from tests.services.intake.harness import SECRET, IntakeHarness, Receiver
from tests.services.intake.page_client import REPORT, CustomerPageClient, hidden_fields, text_of


@pytest.fixture
def settings(receiver: Receiver) -> IntakeSettings:
    """Intake's settings with a database that nobody serves."""
    return IntakeSettings(
        database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/nothing",
        internal_secret=SECRET,
        link_secret="links",
        tickets_url=receiver.url,
    )


async def test_the_form_comes_back_whole_and_offers_to_send_again(harness: IntakeHarness) -> None:
    client = CustomerPageClient(harness.public)
    form = await client.fill(await client.open("/f"), "/f", **REPORT, safety="yes", tried="断电")
    answer = await client.send("/f", form)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "再提交一次" in text_of(answer.text)
    assert hidden_fields(answer.text, "/f")["key"] == form["key"]
    assert 'value="138 0013 8000"' in answer.text
    assert 'value="fault" checked' in answer.text
    assert 'value="yes" checked' in answer.text
    assert "断电</textarea>" in answer.text


async def test_a_ticket_s_page_is_not_available_and_says_so(harness: IntakeHarness) -> None:
    token = harness.intake.links.token("20240520001", 1)
    answer = await CustomerPageClient(harness.public).open(f"/t/{token}")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")
