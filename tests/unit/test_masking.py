"""Contacts as those see them who do not handle the ticket (product.md 11)."""

import pytest

from services.intake.customers.masking import mask_email, mask_identifier, mask_name, mask_phone


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+8613800138000", "138****8000"),
        ("+862112345678", "211****5678"),
        ("+14155550123", "+14****0123"),
        ("+86123456789", "123****6789"),
        ("+8612345678", "****78"),
        ("+8610086", "****86"),
    ],
)
def test_a_phone_shows_its_ends_and_a_short_one_only_the_last(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


def test_an_email_shows_its_first_letter_and_domain() -> None:
    assert mask_email("zhangsan@example.com") == "z***@example.com"


def test_a_name_shows_its_first_character() -> None:
    assert mask_name("张三丰") == "张*"


def test_a_wechat_id_is_shortened() -> None:
    assert mask_identifier("oAbCdEfGhIjK") == "oAb****"
