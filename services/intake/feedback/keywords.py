"""The words of `keywords.yaml`: which kind, category and danger a text tells of by itself."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from services.contracts.vocabulary import Category, Kind

_WORDS: Mapping[str, Mapping[str, list[str]]] = yaml.safe_load(
    Path(__file__).with_name("keywords.yaml").read_text(encoding="utf-8")
)
_DENIED = "".join(f"(?<!{word})" for word in ("没有", "没", "未", "无", "不", "no ", "not ", "without "))
"""In front of what is not so: 没有冒烟."""


class Match(NamedTuple):
    """A finding in a text, and the word that says so."""

    means: str
    word: str


def folded(text: str) -> str:
    """A text as words are looked for in it: half width, lower case, plain apostrophes."""
    return unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")


def matches(table: Mapping[Kind, re.Pattern[str]] | Mapping[Category, re.Pattern[str]], text: str) -> Iterator[Match]:
    """Everything that a folded text tells of, in the order of the table."""
    for means, words in table.items():
        if found := words.search(text):
            yield Match(means, found[0])


def _of(name: str, *, unless: str = "") -> re.Pattern[str]:
    """One expression for a group of words, the longest first; English ones stand alone (`leak` is not in `bleak`)."""
    chinese = map(re.escape, sorted(_WORDS[name]["zh"], key=len, reverse=True))
    english = "|".join(sorted(_WORDS[name]["en"], key=len, reverse=True))
    return re.compile(f"{unless}(?:{'|'.join(chinese)}|(?<![a-z])(?:{english})(?![a-z]))")


KINDS: Mapping[Kind, re.Pattern[str]] = {
    Kind.COMPLAINT: _of("complaint"),
    Kind.FAULT: _of("fault", unless=_DENIED),
    Kind.PRAISE: _of("praise", unless=_DENIED),
    Kind.SUGGESTION: _of("suggestion"),
    Kind.CONSULTATION: _of("question"),
}
"""The first one counts: who complains of a fault complains, and who asks about a fault has one."""

CATEGORIES: Mapping[Category, re.Pattern[str]] = {
    Category.SERVICE_ATTITUDE: _of("attitude"),
    Category.LOGISTICS_DELAY: _of("logistics"),
    Category.PRODUCT_FAULT: KINDS[Kind.FAULT],
    Category.PROCESS: _of("process"),
    Category.USAGE_QUESTION: _of("usage"),
}
"""The first one counts that the kind can have."""

DANGER = _of("danger", unless=_DENIED)
"""Makes a feedback urgent whose sender did not say how urgent it is."""
