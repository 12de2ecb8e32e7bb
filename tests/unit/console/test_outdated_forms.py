"""A form that was drawn from what is no more: told apart from one that is sent twice, and from one that means it as it
is."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from services.console.forms.fingerprints import fingerprint, is_outdated, says_already
from services.console.forms.values import Typed, beside
from services.console.pages.policies import moved_by
from services.console.promises import drafts
from services.console.registers import admin_lists, staff_hours
from services.console.registers.admin_lists import KEYS, PEOPLE, WEBHOOKS
from services.runtime.errors import MalformedRequest
from services.runtime.pages.forms import Form

PERSON = {"id": "1", "name": "李雷", "roles": ["clerk", "handler"], "department": None, "hours": None, "last_seen": 1}
DRAWN = fingerprint(admin_lists.drawn_from(PERSON, PEOPLE))


@pytest.mark.parametrize(
    ("present", "outdated"),
    [
        ({"name": "a", "on": True}, False),
        ({"on": True, "name": "a"}, False),
        ({"name": "b", "on": True}, True),
        ({"name": "a", "on": None}, True),
        ({"name": "a"}, True),
        ({}, True),
    ],
)
def test_a_form_is_outdated_as_soon_as_anything_it_was_drawn_from_is_otherwise(
    present: dict[str, Any], outdated: bool
) -> None:
    assert is_outdated(fingerprint({"name": "a", "on": True}), present) is outdated
    assert not is_outdated("", present), "a form that carries nothing means it as it is"
    assert is_outdated("no fingerprint of ours", present)


@pytest.mark.parametrize(
    ("change", "done"),
    [({}, True), ({"name": "a"}, True), ({"name": "b"}, False), ({"other": None}, False), ({"on": True}, False)],
)
def test_what_is_so_already_needs_no_change(change: dict[str, Any], done: bool) -> None:
    assert says_already({"name": "a", "on": False}, change) is done


@pytest.mark.parametrize(
    ("changed", "wanted", "outdated"),
    [
        ({}, {"name": "李蕾"}, False),
        ({"last_seen": 2}, {"name": "李蕾"}, False),
        ({"roles": ["handler", "clerk"]}, {"name": "李蕾"}, False),
        ({"roles": ["clerk"]}, {"name": "李蕾"}, True),
        ({"hours": {"mon": {"09:00": "12:00"}}}, {"name": "李蕾"}, True),
        ({"name": "李蕾"}, {"name": "李蕾", "roles": ["handler", "clerk"]}, False),
        ({"name": "李蕾"}, {"name": "李蕾", "password": "a new password"}, False),
        ({"name": "李蕾"}, {"name": "李磊"}, True),
        ({}, None, False),
        ({"name": "李蕾"}, None, True),
    ],
)
def test_a_colleagues_change_is_told_and_the_second_click_on_ones_own_is_not(
    changed: dict[str, Any], wanted: Mapping[str, Any] | None, outdated: bool
) -> None:
    assert admin_lists.is_outdated(DRAWN, {**PERSON, **changed}, PEOPLE, wanted) is outdated


@pytest.mark.parametrize(
    ("register", "noise"), [(KEYS, "last_used_at"), (WEBHOOKS, "exhausted"), (WEBHOOKS, "pending")]
)
def test_what_moves_by_itself_outdates_no_form(register: admin_lists.Register, noise: str) -> None:
    entry = {"name": "商城", "url": "http://a.example", "active": True, noise: 1}
    carried = fingerprint(admin_lists.drawn_from(entry, register))
    assert not admin_lists.is_outdated(carried, {**entry, noise: 2}, register, {"active": False})
    assert admin_lists.is_outdated(carried, {**entry, "active": False}, register, {"name": "x"})


@pytest.mark.parametrize(
    ("given", "stored", "shown"),
    [
        ({"name": ["a"]}, {"name": ["a"]}, {}),
        ({"name": ["a"]}, {"name": ["b"]}, {"name": ["b"]}),
        ({"name": ["a"]}, {"name": [""]}, {"name": []}),
        ({"name": [" "]}, {"name": []}, {}),
        ({}, {"name": ["b"]}, {"name": ["b"]}),
        ({"roles": ["b", "a"]}, {"roles": ["a", "b"]}, {}),
        ({"roles": ["b"]}, {"roles": ["a", "b"]}, {"roles": ["a", "b"]}),
    ],
)
def test_what_is_stored_now_is_shown_where_it_is_not_what_was_typed(
    given: dict[str, Sequence[str]], stored: dict[str, Sequence[str]], shown: dict[str, Sequence[str]]
) -> None:
    compared = beside(Typed(given, errors={"name": "wrong"}), Typed(stored))
    assert (compared.now, compared.values, compared.errors) == (shown, given, {"name": "wrong"})


def test_fields_that_somebody_else_filled_are_not_folded_away() -> None:
    emptied = beside(Typed({"hours.mon": [""]}), Typed({"hours.mon": ["09:00-12:00"]}))
    assert staff_hours.is_filled(emptied)
    assert not staff_hours.is_filled(beside(Typed(), Typed()))


@pytest.mark.parametrize(
    ("carried", "outdated"), [("3", False), ("2", True), ("4", True), ("", False), ("x", None), ("-3", None)]
)
def test_a_form_names_the_version_that_it_was_made_from_or_means_the_latest(
    carried: str, outdated: bool | None
) -> None:
    form = Form((("version", carried),))
    if outdated is None:
        with pytest.raises(MalformedRequest):
            drafts.is_outdated(form, {"version": 3})
    else:
        assert drafts.is_outdated(form, {"version": 3}) is outdated
        assert not drafts.is_outdated(Form(), {"version": 3})


@pytest.mark.parametrize(
    ("identifier", "step", "order"),
    [("b", -1, "bac"), ("b", 1, "acb"), ("a", -1, "abc"), ("c", 1, "abc"), ("a", 1, "bac"), ("c", -1, "acb")],
)
def test_a_policy_moves_one_place_and_back(identifier: str, step: int, order: str) -> None:
    moved = moved_by(list("abc"), identifier, step)
    assert "".join(moved) == order
    assert order == "abc" or moved_by(moved, identifier, -step) == list("abc")
