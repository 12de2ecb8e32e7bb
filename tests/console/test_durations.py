"""Lengths as people write them: what is shown can be typed again and means the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.forms import durations
from services.console.wording import WORDING
from services.contracts.durations import parse_duration
from services.wording import Words

CHINESE, ENGLISH = WORDING.speak("zh-CN"), WORDING.speak("en")


@pytest.mark.parametrize(
    ("code", "chinese", "english"),
    [
        ("PT2WH", "2 工作小时", "2 working hours"),
        ("P1WD", "1 个工作日", "1 working day"),
        ("P3WD", "3 个工作日", "3 working days"),
        ("PT24H", "24 小时", "24 h"),
        ("PT90M", "1 小时 30 分钟", "1 h 30 min"),
        ("P7D", "7 天", "7 days"),
        ("PT5S", "5 秒", "5 s"),
        ("PT30WM", "30 工作分钟", "30 working min"),
    ],
)
def test_a_length_is_told_with_its_measure(code: str, chinese: str, english: str) -> None:
    assert (durations.written(code, CHINESE), durations.written(code, ENGLISH)) == (chinese, english)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2 工作小时", "PT2WH"),
        ("2个工作小时", "PT2WH"),
        ("3工作日", "P3WD"),
        ("3 Working  Days", "P3WD"),
        ("24h", "PT24H"),
        ("1 小时 30 分钟", "PT90M"),
        ("15 min", "PT15M"),
        ("pt2wh", "PT2WH"),
        ("P3D", "P3D"),
    ],
)
def test_a_length_may_be_typed_in_either_language_or_as_a_code(typed: str, code: str) -> None:
    assert durations.read(typed) == code


@pytest.mark.parametrize(
    "typed", ["2", "two hours", "2 weeks ago", "-1 h", "P", "1 h 1 工作小时", "1 工作日 2 h", "75 %"]
)
def test_what_is_no_length_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        durations.read(typed)


@given(
    number=st.integers(min_value=0, max_value=9999),
    unit=st.sampled_from(["P{}D", "PT{}H", "PT{}M", "PT{}S", "P{}WD", "PT{}WH", "PT{}WM", "PT{}WS"]),
    words=st.sampled_from([CHINESE, ENGLISH]),
)
def test_what_is_shown_means_the_same_when_it_is_typed_again(number: int, unit: str, words: Words) -> None:
    code = unit.format(number)
    assert parse_duration(durations.read(durations.written(code, words))) == parse_duration(code)


@pytest.mark.parametrize("words", [CHINESE, ENGLISH])
def test_warnings_are_shares_or_times_before_the_due_time(words: Words) -> None:
    warnings: list[Any] = [0.5, 0.75, "PT1H"]
    told = words.text("list.and").join(durations.warning(each, words) for each in warnings)
    assert durations.read_warnings(told) == warnings


def test_no_warning_is_a_legal_answer() -> None:
    assert durations.read_warnings("  ") == []
