"""A customer's link that came into the wrong hands is ended by a supervisor, who is written down (I13, I15, I16)."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.services.intake.harness import IntakeHarness

KEY = {"Idempotency_Key": "revoke-1"}


@pytest.fixture
async def ticket_no(harness: IntakeHarness) -> str:
    """A ticket of the after-sales department."""
    made: str = (await harness.register())["ticket_no"]
    harness.belongs(made)
    return made


async def generation(harness: IntakeHarness, ticket_no: str) -> int:
    async with harness.intake.database.read() as connection:
        asked = text("SELECT link_generation FROM intake.feedback WHERE ticket_no = :no")
        found: int = (await connection.execute(asked, {"no": ticket_no})).scalar_one()
    return found


def of(ticket_no: str) -> str:
    return f"/v1/feedback/{ticket_no}/revoke-link"


async def test_a_revocation_ends_the_link_and_tells_who_did_it(harness: IntakeHarness, ticket_no: str) -> None:
    answer = await harness.call("POST", of(ticket_no), by="王芳")
    assert answer.status_code == 200, answer.text
    assert answer.json()["by"] == {"kind": "staff", "id": "王芳"}
    assert await generation(harness, ticket_no) == 2
    seen = (await harness.call("GET", f"/v1/feedback/{ticket_no}", by="审计")).json()
    assert seen["link_revocations"] == [answer.json()]


async def test_the_same_revocation_sent_twice_ends_one_generation(harness: IntakeHarness, ticket_no: str) -> None:
    first = await harness.call("POST", of(ticket_no), {}, by="王芳", **KEY)
    again = await harness.call("POST", of(ticket_no), {}, by="王芳", **KEY)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert await generation(harness, ticket_no) == 2
    await harness.call("POST", of(ticket_no), {}, by="王芳")
    assert await generation(harness, ticket_no) == 3


@pytest.mark.parametrize("by", ["李雷", "赵敏", "审计", "管理"])
async def test_only_a_supervisor_revokes_a_link(harness: IntakeHarness, ticket_no: str, by: str) -> None:
    assert (await harness.call("POST", of(ticket_no), by=by)).status_code == 403
    assert await generation(harness, ticket_no) == 1


async def test_what_is_not_there_or_not_known_is_refused(harness: IntakeHarness, ticket_no: str) -> None:
    assert (await harness.call("POST", of("19990101001"), by="王芳")).status_code == 404
    refused = await harness.call("POST", of(ticket_no), {"why": "lost"}, by="王芳")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/why"
    assert await generation(harness, ticket_no) == 1


async def test_the_next_notice_carries_the_link_that_opens(harness: IntakeHarness, ticket_no: str) -> None:
    await harness.call("POST", of(ticket_no), by="王芳")
    seen = (await harness.call("GET", f"/v1/feedback/{ticket_no}", by="审计")).json()
    asks = [{"ticket_no": ticket_no, "customer_id": seen["customer"]["id"]}]
    told = (await harness.ask("POST", "/internal/customers/addresses", {"asks": asks})).json()["items"][0]
    assert told["ticket_link"] == harness.intake.links.to(ticket_no, 2)


@pytest.mark.parametrize(
    "change", ["UPDATE intake.link_revocations SET revoker_id = 'x'", "DELETE FROM intake.link_revocations"]
)
async def test_nobody_changes_what_was_written_down(harness: IntakeHarness, ticket_no: str, change: str) -> None:
    await harness.call("POST", of(ticket_no), by="王芳")
    with pytest.raises(DBAPIError):
        async with harness.intake.database.begin() as connection:
            await connection.execute(text(change))
