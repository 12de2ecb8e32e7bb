"""No search tells a shortened contact digit by digit; whole ones are looked up in sight of the auditor (issue 8, 3)."""

from typing import Any

import httpx
import pytest

from services.contracts.directory import StaffRole
from services.intake.settings import IntakeSettings
from tests.services.intake.harness import IntakeHarness

PHONE, EMAIL = "+8613912345678", "canary@example.com"
PARTS = ("1391", "13912345", "12345678", "5678", "韩", "梅梅", "canary@example")
WHOLE = ("13912345678", "139 1234-5678", "+86 139 1234 5678", "Canary@Example.com")
AT_MOST = 5


@pytest.fixture
def settings(settings: IntakeSettings) -> IntakeSettings:
    """Few lookups in an hour."""
    return settings.model_copy(update={"contact_lookups_per_hour": AT_MOST})


async def registered(harness: IntakeHarness, **access: Any) -> tuple[str, str]:
    """A call of 韩梅梅: ticket number and customer."""
    customer = {"name": "韩梅梅", "phone": PHONE, "email": EMAIL, "customer_no": "C-77"}
    number = (await harness.register(channel="phone", customer=customer))["ticket_no"]
    harness.belongs(number, **access)
    return number, (await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"]


async def found(harness: IntakeHarness, q: str, by: str = "李雷") -> list[str]:
    """The customers that somebody finds."""
    answer = await harness.call("POST", "/v1/customers/search", {"q": q}, by=by)
    assert answer.status_code == 200, answer.text
    assert PHONE[3:] not in answer.text
    return [each["id"] for each in answer.json()["items"]]


async def lookups(harness: IntakeHarness) -> list[dict[str, Any]]:
    """Lookups, as the auditor sees them."""
    items = (await harness.call("GET", "/v1/audit", by="审计")).json()["items"]
    return [each for each in items if each["what"] == "lookup"]


@pytest.mark.parametrize(
    "access",
    [{"department": "logistics"}, {"phase": "closed"}],
    ids=["another department's", "closed"],
)
async def test_parts_of_a_contact_find_nobody_whom_the_caller_may_not_read_in_full(
    harness: IntakeHarness, access: dict[str, Any]
) -> None:
    _, customer = await registered(harness, **access)
    for q in PARTS:
        assert await found(harness, q) == [], q
    assert await found(harness, "c77") == [customer]
    assert await lookups(harness) == []


async def test_parts_find_whom_the_caller_reads_in_full_on_one_ticket(harness: IntakeHarness) -> None:
    _, customer = await registered(harness)
    for q in PARTS[:-1]:
        assert await found(harness, q) == [customer], q
    for q in PARTS:
        assert await found(harness, q, by="审计") == [], q


async def test_a_ticket_opens_no_contact_that_it_does_not_show(harness: IntakeHarness) -> None:
    await registered(harness, department="logistics")
    stated = {"name": "李雷", "phone": "13800000000", "customer_no": "C-77"}
    number = (await harness.register(channel="web", customer=stated))["ticket_no"]
    harness.belongs(number)
    assert await found(harness, "1391234") == []
    assert await found(harness, "梅梅") == []


async def test_who_registers_calls_finds_anybody_by_a_whole_contact_and_it_is_logged(harness: IntakeHarness) -> None:
    _, customer = await registered(harness, department="logistics")
    for q in WHOLE:
        assert await found(harness, q) == [customer], q
    assert await found(harness, "13900000000") == []
    seen = await lookups(harness)
    assert [each["customer_id"] for each in seen] == [None, *[customer] * len(WHOLE)]
    assert {each["reader"]["id"] for each in seen} == {"李雷"}
    assert not any(PHONE[3:] in str(each) or EMAIL in str(each) for each in seen)


async def test_others_find_nobody_by_a_whole_contact_that_they_may_not_read(harness: IntakeHarness) -> None:
    await registered(harness)
    for q in WHOLE:
        assert await found(harness, q, by="审计") == [], q
    assert await lookups(harness) == []


async def test_lookups_are_limited_for_each_person_and_in_number(harness: IntakeHarness) -> None:
    number, _ = await registered(harness)
    for _ in range(AT_MOST):
        await found(harness, "13900000000")
    refused = await harness.call("POST", "/v1/customers/search", {"q": "13900000000"})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    reader = {"kind": "staff", "id": "李雷", "request_id": "r"}
    asked = {"q": EMAIL, "looked_up_by": reader}
    assert (await harness.ask("POST", "/internal/customers/find", asked)).status_code == 429
    assert len(await lookups(harness)) == AT_MOST
    assert len(await found(harness, "梅梅")) == 1
    assert await found(harness, "13900000000", by="王芳") == []
    assert (await harness.ask("POST", "/internal/customers/find", {"q": number})).status_code == 200


async def test_a_handler_finds_by_the_contact_of_their_own_ticket_only(harness: IntakeHarness) -> None:
    harness.sign_in("张伟", StaffRole.HANDLER, department="after-sales")
    assert (await harness.call("POST", "/v1/customers/search", {"q": "1391"}, by="张伟")).status_code == 403


async def test_a_correction_that_tells_whose_a_contact_is_counts_as_a_lookup(harness: IntakeHarness) -> None:
    theirs = {"name": "韩梅梅", "phone": PHONE}
    taken = await customer_of(harness, theirs)
    mine = await customer_of(harness, {"name": "李四", "phone": "13800000000", "email": EMAIL})
    for change in ({"tags": ["vip"]}, {"email": "other@example.com"}, {"phone": "138 0000 0000"}, {"name": "李五"}):
        assert (await corrected(harness, mine, change)).status_code == 200, change
    assert await lookups(harness) == []
    refused = await corrected(harness, mine, {"phone": PHONE})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
    for digit in range(AT_MOST - 1):
        assert (await corrected(harness, mine, {"phone": f"1370000000{digit}"})).status_code == 200
    assert [each["customer_id"] for each in await lookups(harness)] == [*[None] * (AT_MOST - 1), taken]
    for phone in (PHONE, "13700000009"):
        assert (await corrected(harness, mine, {"phone": phone})).status_code == 429
    assert (await corrected(harness, mine, {"tags": []})).status_code == 200


async def customer_of(harness: IntakeHarness, stated: dict[str, Any]) -> str:
    """A customer by their call."""
    number = (await harness.register(channel="phone", customer=stated))["ticket_no"]
    harness.belongs(number)
    return str((await harness.ask("GET", f"/internal/registrations/{number}")).json()["customer_id"])


async def corrected(harness: IntakeHarness, customer: str, change: dict[str, Any]) -> httpx.Response:
    """The answer to a correction."""
    return await harness.call("PATCH", f"/v1/customers/{customer}", change)
