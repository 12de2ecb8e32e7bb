"""Bodies that people write: YAML is read as it looks, within bounds, and every value has its line (I18)."""

import json
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from services.runtime.errors import MalformedYaml, TooLarge
from services.runtime.http.source_lines import positions_in_json
from services.runtime.http.yaml_bodies import MOST_BYTES, parse_yaml

WRITTEN = """\
# a policy
id: vip
applies:
  - kind: [fault, complaint]
    tier: vip
clocks:
  response:
    target: {urgent: PT1H, "*": P1WD}
    warn_at:
      - 0.5
      - PT15M
"""


class Plain(yaml.SafeDumper):
    """Writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def parsed(text: str) -> Any:
    return parse_yaml(text.encode())[0]


def test_a_policy_is_read_with_the_line_of_every_value() -> None:
    value, positions = parse_yaml(WRITTEN.encode())
    assert value == {
        "id": "vip",
        "applies": [{"kind": ["fault", "complaint"], "tier": "vip"}],
        "clocks": {"response": {"target": {"urgent": "PT1H", "*": "P1WD"}, "warn_at": [0.5, "PT15M"]}},
    }
    lines = {"/id": 2, "/applies/0": 4, "/applies/0/kind/1": 4, "/applies/0/tier": 5, "/clocks/response/target/*": 8,
             "/clocks/response/warn_at": 9, "/clocks/response/warn_at/1": 11}  # fmt: skip
    assert {at: positions.line_of(at) for at in lines} == lines


def test_what_is_not_written_has_the_line_of_what_is_around_it() -> None:
    _, positions = parse_yaml(WRITTEN.encode())
    assert positions.line_of("/clocks/response/ladder") == 7
    assert positions.line_of("/applies/0/department/3") == 4
    assert positions.line_of("/calendar") == 2


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("09:00", "09:00"), ("12:30:45", "12:30:45"), ("no", "no"), ("Yes", "Yes"), ("off", "off"), ("NO", "NO"),
        ("2026-10-01", "2026-10-01"), ("1_000", "1_000"), ("0o17", "0o17"), ("0x1f", "0x1f"), ("017", "017"),
        (".inf", ".inf"), ("True", "True"), ("1e3", 1000.0), ("-0.5", -0.5), ("42", 42), ("true", True),
        ("null", None), ("~", None), ("", None), ('"42"', "42"), ("'null'", "null"), ("'no'", "no"),
    ],
)  # fmt: skip
def test_a_value_is_what_it_looks_like(written: str, value: Any) -> None:
    read = parsed(f"key: {written}")["key"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("name", ["09:00", "no", "2026-10-01", "1", "null"])
def test_a_name_is_always_a_text(name: str) -> None:
    assert parsed(f"{name}: x") == {name: "x"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [\n", 3),
        ("a: 1\na: 2", 2),
        ("a:\n  *: PT1H", 2),
        ("a: &anchor 1\nb: *anchor", 1),
        ("a: 1\nb: !!python/object:os.system x", 2),
        ("a: 1\n---\nb: 2", 2),
        ("\n? [a]\n: b", 2),
        ("a: 1\n\tb: 2", 2),
        ("a: b: c", 1),
        ("a:\n  - 99999999999999999999", 2),
        ("a: 1e999", 1),
        ('a: x\nb: "\\0"', 2),
        ("[" * 100, 1),
        ("{a: " * 100, 1),
        ("- " * 100, 1),
    ],
)
def test_what_could_be_read_differently_or_grow_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(MalformedYaml) as refused:
        parsed(text)
    (error,) = refused.value.extra["errors"]
    assert (error["line"], error["code"]) == (line, "malformed_yaml")
    assert str(line) in refused.value.details["zh"]


def test_a_billion_laughs_are_not_heard() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(MalformedYaml):
        parsed(bomb)


def test_a_quarter_of_a_mebibyte_is_the_most() -> None:
    assert parsed("a" * MOST_BYTES) == "a" * MOST_BYTES
    with pytest.raises(TooLarge):
        parsed("a" * (MOST_BYTES + 1))
    with pytest.raises(MalformedYaml):
        parse_yaml(b"a: \xff")


TEXTS = some.text(alphabet="aZ9é中😀\"\\/{}[]:,#&*!|>'%@`-~. \n\t", max_size=8)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
@settings(max_examples=60, deadline=None)
def test_what_json_says_yaml_says_and_both_tell_the_same_lines(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    read, positions = parse_yaml(text.encode())
    assert read == value
    assert positions_in_json(text).lines == positions.lines


@given(JSON)
@settings(max_examples=40, deadline=None)
def test_what_is_written_as_yaml_is_read_back(value: Any) -> None:
    assert parsed(yaml.dump(value, Dumper=Plain, allow_unicode=True)) == value


@given(some.binary(max_size=200) | some.text(alphabet=" \n\t-:[]{}&*!|>'\"#%@`,?ab1.~", max_size=60).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_reading(body: bytes) -> None:
    with suppress(MalformedYaml):
        parse_yaml(body)


def test_lines_of_long_places_do_not_fill_memory_and_lead_to_what_is_around_them() -> None:
    names = [f"{number:0100}" for number in range(60)]
    text = "{" + "{".join(f'"{name}": ' for name in names) + "\n[" + "1,\n" * 20_000 + "2]" + "}" * 60
    for positions in (parse_yaml(text.encode())[1], positions_in_json(text)):
        assert sum(map(len, positions.lines)) < 5_000_000
        inside = "/" + "/".join(names)
        assert [positions.line_of(place) for place in ("", inside, f"{inside}/0", f"{inside}/1")] == [1, 1, 2, 3]
        assert positions.line_of(f"{inside}/20000") == 1
