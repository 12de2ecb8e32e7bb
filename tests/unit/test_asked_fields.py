"""Whatever a customer can be asked for has words everywhere that it is said, and a place where it is answered."""

from collections.abc import Iterable
from enum import StrEnum

import pytest
from pydantic import BaseModel

from services.console.tickets.choices import _ASKABLE
from services.console.wording import WORDING
from services.contracts.asked_fields import AskedField
from services.contracts.feedback import Customer, Product, Supplement
from services.contracts.survey import Overall
from services.contracts.vocabulary import ClockName, CloseReason, Kind, Urgency
from services.intake.feedback.completeness import missing_from
from services.intake.pages.forms import _POINTERS, fields_asked
from services.intake.wording import WORDING as CUSTOMERS
from services.notify.notices.vocabulary import Language, sorts, word
from services.wording import LANGUAGES

OF_TWO = {AskedField.CONTACT, AskedField.ORDER_NO_OR_SERIAL_NO}
KNOWN_TO_FEW = {AskedField.WECHAT_OPEN_ID, AskedField.CUSTOMER_NO}


@pytest.mark.parametrize("code", AskedField)
def test_a_field_has_words_for_the_customer_and_for_staff_in_both_languages(code: AskedField) -> None:
    said = [word(code, "field", language) for language in Language]
    assert len({*said, code, "其他信息", "other details"}) == len(said) + 3
    for each in LANGUAGES:
        assert WORDING.speak(each).of("field", code) != code


def test_the_form_of_staff_asks_for_what_is_in_the_table_and_for_nothing_that_nobody_can_give() -> None:
    assert set(_ASKABLE) <= set(AskedField)
    assert not any(
        name.rpartition(".")[2] in {"photo", "photos", "attachments"} for name in (*AskedField, *WORDING.both.texts)
    )


@pytest.mark.parametrize("code", sorted(set(AskedField) - OF_TWO))
def test_a_field_can_be_supplied(code: AskedField) -> None:
    model: type[BaseModel] = Supplement
    *outer, last = code.split(".")
    for name in outer:
        kept = model.model_fields[name].annotation
        model = next(each for each in getattr(kept, "__args__", ()) if each is not type(None))
    assert last in model.model_fields


@pytest.mark.parametrize("code", sorted(set(AskedField) - KNOWN_TO_FEW))
def test_a_field_opens_fields_of_the_customer_s_page_that_have_words(code: AskedField) -> None:
    names = fields_asked([code])
    assert names
    for name in names:
        assert name == "contact" or name in _POINTERS
        assert f"field.{name}" in CUSTOMERS.both.texts
        assert f"report.{'reach' if name == 'contact' else name}" in CUSTOMERS.both.texts


@pytest.mark.parametrize("kind", Kind)
def test_whatever_is_missing_can_be_asked_for(kind: Kind) -> None:
    assert set(missing_from(kind, Customer(), Product())) <= set(AskedField)


def test_what_was_asked_for_before_there_was_a_table_is_told_without_its_code() -> None:
    assert [word("photos", "field", language) for language in Language] == ["其他信息", "other details"]
    assert fields_asked(["photos"]) == ()


CODES: dict[str, Iterable[StrEnum]] = {
    "kind": Kind, "urgency": Urgency, "clock": ClockName, "close_reason": CloseReason, "overall": Overall,
    "field": AskedField,
}  # fmt: skip


@pytest.mark.parametrize("sort", sorted(set(sorts()) - {"part"}))
def test_every_code_that_a_notice_names_has_words(sort: str) -> None:
    for code in CODES[sort]:
        chinese, english = (word(code, sort, language) for language in Language)
        assert chinese not in {code, english}
        assert "_" not in english
