"""Phone numbers as people write them, in the one spelling that is stored (issue 8, 20)."""

import pytest

from services.contracts.asked_fields import AskedField
from services.contracts.feedback import Customer, Product, stored_customer
from services.contracts.vocabulary import Kind
from services.intake.customers.identity import identity_of, normalised, person_behind, unusable
from services.intake.customers.masking import mask_phone
from services.intake.customers.phones import NoPhone, is_shared, stored_phone
from services.intake.feedback.completeness import missing_from
from services.intake.wording import WORDING
from services.runtime.errors import ValidationFailed

MOBILE, OFFICE, HONG_KONG = "+8613800138000", "+861012345678", "+85223456789"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("13800138000", MOBILE),
        ("+86 138-0013-8000", MOBILE),
        ("１３８ ００１３ ８０００", MOBILE),
        ("（0086）138 0013 8000", MOBILE),
        ("请打13800138000找小王", MOBILE),
        ("13800138000 / 13900139000", MOBILE),
        ("010-12345678", OFFICE),
        ("电话：（010）12345678（白天）", OFFICE),
        ("86-10-12345678", OFFICE),
        ("010-12345678-801", f"{OFFICE};ext=801"),
        ("010—12345678—801", f"{OFFICE};ext=801"),
        ("01012345678转801", f"{OFFICE};ext=801"),
        ("010-12345678 轉 801", f"{OFFICE};ext=801"),
        ("总机 010 1234 5678 分机：801", f"{OFFICE};ext=801"),
        ("(010) 12345678 ext. 801", f"{OFFICE};ext=801"),
        ("010-12345678 x801", f"{OFFICE};ext=801"),
        ("０１０－１２３４５６７８＃８０１", f"{OFFICE};ext=801"),
        ("tel:+86-10-12345678;ext=801", f"{OFFICE};ext=801"),
        ("010-12345678,,801", f"{OFFICE};ext=801"),
        ("010-12345678*801", f"{OFFICE};ext=801"),
        ("010-12345678 p801", f"{OFFICE};ext=801"),
        ("010-12345678（801）", f"{OFFICE};ext=801"),
        ("分机801，010-12345678", f"{OFFICE};ext=801"),
        ("【010】12345678，请拨801", f"{OFFICE};ext=801"),
        ("[010] 1234 5678", OFFICE),
        ("010-12345678-801-2", f"{OFFICE};ext=801-2"),
        ("400-810-9999转1转2", "+864008109999;ext=1-2"),
        ("13800138000-801", f"{MOBILE};ext=801"),
        ("138\u200b0013\u202c8000", MOBILE),
        ("138_0013·8000", MOBILE),
        ("+86 +86 13800138000", MOBILE),
        ("١٣٨٠٠١٣٨٠٠٠", MOBILE),
        ("13800138000，家里 13900139000", MOBILE),
        ("400-810-9999", "+864008109999"),
        ("400 810 9999 转 2", "+864008109999;ext=2"),
        ("800-810-9999", "+868008109999"),
        ("+852 2345 6789", HONG_KONG),
        ("852-2345-6789", HONG_KONG),
        ("00852 23456789", HONG_KONG),
        ("香港 2345 6789", HONG_KONG),
        ("+1 202 555 0123", "+12025550123"),
        ("1-800-356-9377", "+18003569377"),
        ("1 (202) 555-0123 x7", "+12025550123;ext=7"),
    ],
)
def test_a_number_is_understood_as_people_write_it_and_reading_it_again_changes_nothing(
    typed: str, stored: str
) -> None:
    assert stored_phone(typed) == stored
    assert stored_phone(stored) == stored


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("1380013800", "impossible_phone"),
        ("138001380001", "impossible_phone"),
        ("1234567890", "impossible_phone"),
        ("1012345678", "impossible_phone"),
        ("+86 1380013800", "impossible_phone"),
        ("12", "impossible_phone"),
        ("9" * 100, "impossible_phone"),
        ("+1 555 0123", "phone_without_area"),
        ("138OO138OOO", "impossible_phone"),
        ("138****8000", "impossible_phone"),
        ("1" + "#" * 99, "impossible_phone"),
        ("1" + ";ext=" * 19 + "z", "impossible_phone"),
        ("12345678", "phone_without_area"),
        ("2345 6789", "phone_without_area"),
        ("call me", "phone_without_digits"),
        ("没有电话", "phone_without_digits"),
        ("(" * 100, "phone_without_digits"),
    ],
)
def test_what_is_no_number_is_told_apart_by_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(NoPhone) as refused:
        stored_phone(typed)
    assert refused.value.reason == reason
    with pytest.raises(ValidationFailed) as told:
        normalised(Customer(name="韩梅梅", phone=typed, email="h@example.com"))
    assert told.value.errors[0]["pointer"] == "/customer/phone"
    assert told.value.errors[0]["message"] == WORDING.told("wrong", reason)


def test_from_a_program_it_is_kept_as_it_is_if_there_is_a_second_way_in() -> None:
    kept = normalised(Customer(name="韩梅梅", phone="1380013800", email="h@example.com"), lenient=True)
    assert (kept.phone, unusable(kept)) == ("1380013800", ("phone",))
    with pytest.raises(ValidationFailed):
        normalised(Customer(name="韩梅梅", phone="1380013800"), lenient=True)


def test_what_cannot_be_called_reaches_nobody_so_a_contact_is_asked_for() -> None:
    for phone, missing in (("1380013800", (AskedField.CONTACT,)), (MOBILE, ())):
        assert missing_from(Kind.CONSULTATION, stored_customer({"phone": phone}), Product()) == missing


@pytest.mark.parametrize(
    ("phone", "shared"),
    [
        (MOBILE, False), ("+12025550123", False), ("+447400123456", False),
        (OFFICE, True), (HONG_KONG, True), ("+864008109999", True), (f"{MOBILE};ext=1", True), ("+8612345678", True),
    ],
)  # fmt: skip
def test_a_mobile_is_one_person_s_and_a_fixed_line_or_an_exchange_is_shared(phone: str, shared: bool) -> None:
    assert is_shared(phone) is shared


def test_behind_a_shared_number_the_name_tells_people_apart() -> None:
    def identity(phone: str, name: str | None) -> str | None:
        return identity_of(Customer(phone=phone, name=name), b"secret")

    assert identity(OFFICE, "Han Mei") == identity(OFFICE, "ＨＡＮ　ＭＥＩ") != identity(OFFICE, "李雷")
    assert identity(f"{OFFICE};ext=801", "李雷") != identity(f"{OFFICE};ext=802", "李雷")
    assert identity(MOBILE, "韩梅梅") == identity(MOBILE, "李雷")
    assert person_behind(Customer(phone=OFFICE)) is None


@pytest.mark.parametrize(
    ("stored", "masked"),
    [
        (MOBILE, "138****8000"),
        (f"{OFFICE};ext=801", "101****5678-***"),
        ("1380013800", "138****3800"),
        ("12", "****12"),
    ],
)
def test_a_masked_phone_hides_its_extension(stored: str, masked: str) -> None:
    assert mask_phone(stored) == masked
