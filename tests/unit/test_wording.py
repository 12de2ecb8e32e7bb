"""Texts: every one is there in both languages, says the same in both, and stands in its file once."""

import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from markupsafe import Markup

import services
from services.wording import Wording

ROOT = Path(services.__file__).parent
FILES = sorted({*ROOT.rglob("words.toml"), *ROOT.rglob("words/*.toml")})
CHINESE = re.compile(r"[\u4e00-\u9fff\u3001-\u303f\uff01-\uff5e]")
"""Letters and punctuation."""
OF_ONE_LANGUAGE = {"why_zh": "why"}
"""Values that are words themselves, and so differ by language."""
HELLO = """
hello = ["你好，{name}", "Hello, {name}"]
found = ["{count} 条", "{count} ticket|{count} tickets"]
[kind]
fault = ["故障", "Fault"]
[told]
late = ["{length}超时", "late by {length}"]
"""


def pairs(file: Path) -> Iterator[tuple[str, list[str]]]:
    for name, written in tomllib.loads(file.read_text(encoding="utf-8")).items():
        yield from (
            ((f"{name} {code}", pair) for code, pair in written.items())
            if isinstance(written, dict)
            else [(name, written)]
        )


def values(text: str) -> set[str]:
    named = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    return {OF_ONE_LANGUAGE.get(name, name) for name in named}


@pytest.fixture
def hello(tmp_path: Path) -> Wording:
    (tmp_path / "words.toml").write_text(HELLO, encoding="utf-8")
    return Wording(tmp_path / "words.toml")


def test_the_texts_of_every_room_are_found() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in FILES} == {
        "console", "contracts", "directory", "intake", "notify", "promises", "runtime", "survey", "workflow",
    }  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_text_is_there_in_both_languages_and_names_the_same_values_in_both(file: Path) -> None:
    for name, (chinese, english) in pairs(file):
        assert chinese.strip(), name
        assert english.strip(), name
        assert "|" not in chinese, name
        *of_one, of_many = english.split("|") if "{count}" in english else [english]
        assert len(of_one) <= 1, name
        assert values(of_many) == values(chinese), name
        assert all(values(form) | {"count"} == values(chinese) for form in of_one), name


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_english_is_english(file: Path) -> None:
    assert not [name for name, (_, english) in pairs(file) if CHINESE.search(english) and english != "中文"]


@pytest.mark.parametrize(
    "folder", sorted({file.parent for file in FILES}), ids=lambda each: str(each.relative_to(ROOT))
)
def test_no_two_files_of_a_room_write_the_same_text(folder: Path) -> None:
    names = [name for file in sorted(folder.glob("*.toml")) for name, _ in pairs(file)]
    assert len(names) == len(set(names))


def test_a_text_is_said_in_one_language_with_its_values(hello: Wording) -> None:
    assert hello.speak("zh-CN").text("hello", name="韩梅梅") == "你好，韩梅梅"
    assert hello.speak("en")("hello", name="Han") == "Hello, Han"
    assert [hello.speak(tag).language for tag in ("zh", "zh-TW", "en", "de")] == ["zh-CN", "zh-CN", "en", "en"]


def test_one_is_not_many_in_english(hello: Wording) -> None:
    assert [hello.speak("en").text("found", count=count) for count in (0, 1, 2)] == [
        "0 tickets",
        "1 ticket",
        "2 tickets",
    ]
    assert [hello.speak("zh-CN").text("found", count=count) for count in (1, 2)] == ["1 条", "2 条"]


def test_markup_stays_markup_and_what_stands_beside_it_is_escaped(hello: Wording) -> None:
    said = hello.speak("en").text("hello", name=Markup("<b>Han</b>"))
    assert (said, isinstance(said, Markup)) == ("Hello, <b>Han</b>", True)
    assert hello.speak("en").text("hello", name="<b>") == "Hello, <b>"


def test_a_code_without_words_stands_for_itself_or_for_what_is_said_otherwise(hello: Wording) -> None:
    words = hello.speak("en")
    assert [words.of("kind", code) for code in ("fault", "brand_new", None)] == ["Fault", "brand_new", ""]
    assert words.of("kind", "brand_new", "") == ""


def test_a_name_that_is_not_there_is_a_mistake(hello: Wording) -> None:
    words = hello.speak("en")
    assert not words.has("bye")
    for say in (lambda: words.text("bye"), lambda: words.of("urgency", "low"), lambda: words.first("bye", "see you"),
                lambda: hello.told("kind", "brand_new")):  # fmt: skip
        with pytest.raises(KeyError):
            say()


def test_a_program_is_told_in_both_languages(hello: Wording) -> None:
    assert hello.told("told", "late", {"length": "1 h"}) == {"en": "late by 1 h", "zh": "1 h超时"}


def test_the_first_text_that_there_is_is_said(hello: Wording) -> None:
    assert [hello.speak("en").first(*names) for names in (("found", "hello"), ("bye", "found", "hello"))] == [
        hello.speak("en").text("found")
    ] * 2


def test_texts_laid_over_others_replace_them(hello: Wording, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('hello = ["嗨", "Hi"]', encoding="utf-8")
    words = hello.beneath(Wording(tmp_path / "own.toml")).speak("en")
    assert (words.text("hello"), words.of("kind", "fault")) == ("Hi", "Fault")
