"""`If-Match` and `If-None-Match` as RFC 9110 (13.1) reads them."""

import pytest
from fastapi import Request

from services.runtime.errors import StaleVersion, ValidationFailed
from services.runtime.http.conditions import ANY, if_match, is_known, require_version


def request(header: str, *lines: str) -> Request:
    return Request({"type": "http", "headers": [(header.lower().encode(), line.encode("latin-1")) for line in lines]})


@pytest.mark.parametrize(
    ("lines", "is_met"),
    [
        (('"12"',), True),
        (('"11"',), False),
        (('"11", "12"',), True),
        (('"11","12"',), True),
        (('"12" , "11"',), True),
        ((', "11",, "12" ,',), True),
        (('"11"', '"12"'), True),
        (('"11", "13"',), False),
        (("*",), True),
        ((" * ",), True),
        (('W/"12"',), False),
        (('W/"12", "12"',), True),
        (('"12", W/"13"',), True),
        (('"012"',), False),
        (('"1,2"',), False),
        (('""',), False),
        (('"abc"',), False),
        (('"' + "9" * 300 + '"',), False),
    ],
)
def test_a_change_goes_on_if_one_member_of_the_list_is_strongly_the_current_version(
    lines: tuple[str, ...], is_met: bool
) -> None:
    demanded = if_match(request("If-Match", *lines))
    if is_met:
        require_version(demanded, 12)
    else:
        with pytest.raises(StaleVersion) as refused:
            require_version(demanded, 12)
        assert refused.value.extra == {"version": 12}


def test_a_change_without_a_condition_meets_any_version() -> None:
    assert if_match(request("If-None-Match", '"1"')) is None
    require_version(None, 12)


def test_a_star_demands_that_there_is_something() -> None:
    require_version(ANY, 0)
    with pytest.raises(StaleVersion):
        require_version(ANY, 0, exists=False)


@pytest.mark.parametrize("line", ["", ",", "12", 'w/"12"', 'W/ "12"', '"1" "2"', '*, "1"', '"1', '"\x7f"', 'x"1"'])
def test_what_is_no_list_of_tags_is_refused_by_its_header(line: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        if_match(request("If-Match", line))
    assert refused.value.errors[0]["pointer"] == "/If-Match"
    with pytest.raises(ValidationFailed) as refused:
        is_known(request("If-None-Match", line), 12)
    assert refused.value.errors[0]["pointer"] == "/If-None-Match"


@pytest.mark.parametrize(
    ("line", "known"),
    [('"12"', True), ('W/"12"', True), ('"11", W/"12"', True), ("*", True), ('"11"', False), ('W/"11"', False)],
)
def test_a_reader_has_a_version_already_if_one_member_is_weakly_the_current_one(line: str, known: bool) -> None:
    assert is_known(request("If-None-Match", line), 12) is known
    assert not is_known(request("If-Match", line), 12)
