"""Docstrings name their subject: none begins with the word of a question."""

import ast
from collections.abc import Iterator

import pytest

from tests.programs import CHECKOUT

_QUESTIONS = frozenset({"what", "who", "whom", "whose", "when", "where", "which", "how", "why"})
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def test_no_docstring_begins_with_a_question() -> None:
    paths = [path for folder in ("services", "tests") for path in (CHECKOUT / folder).rglob("*.py")]
    found = [f"{path.relative_to(CHECKOUT)}: {text}" for path in paths for text in _questions(path.read_text("utf-8"))]
    assert sorted(found) == []


@pytest.mark.parametrize("text", ["What holds.", "How it works", "What-if on a calendar.", "Who's there.", "why."])
@pytest.mark.parametrize("place", ['"""{}"""', 'class A:\n    """{}"""', 'async def a():\n    """\n    {}\n    """'])
def test_a_docstring_that_begins_with_a_question_is_found(place: str, text: str) -> None:
    assert list(_questions(place.format(text))) == [text]


@pytest.mark.parametrize("text", ["Whether it holds.", "Whatever comes.", "The answer to what is asked."])
def test_a_predicate_and_a_subject_are_none(text: str) -> None:
    assert list(_questions(f'"""{text}"""')) == []


def _questions(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _Documented) and (text := ast.get_docstring(node)):
            line = text.splitlines()[0]
            word = "".join(letter if letter.isalpha() else " " for letter in line).split(maxsplit=1)
            if word and word[0].lower() in _QUESTIONS:
                yield line
