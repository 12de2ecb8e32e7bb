"""Everything that people read, Chinese and English side by side: the texts of a room, and its words in one language.

A file is TOML. `"board.found" = ["{count} 条", "{count} ticket|{count} tickets"]` is a text: `{count}` is filled in,
and of two English forms `count` chooses. A table, `[urgency]`, holds the words for the codes of one kind.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from markupsafe import Markup, escape

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")
Pair = tuple[str, str]
"""Chinese and English."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by name, and words by kind and code."""

    texts: Mapping[str, Pair]
    codes: Mapping[str, Mapping[str, Pair]]


class Wording:
    """The texts of one room in both languages, read once."""

    def __init__(self, *paths: Path) -> None:
        """Each path is a file, or a folder of files; a later one replaces texts of an earlier one."""
        self._paths = paths

    def beneath(self, other: "Wording") -> "Wording":
        """These texts, and those of `other` over them."""
        return Wording(*self._paths, *other._paths)

    def speak(self, language: str) -> "Words":
        """The words of the language that a tag names: Chinese, or English for everybody else."""
        return Words(self.both, "zh-CN" if language.startswith("zh") else "en")

    def told(self, kind: str, code: str, facts: Mapping[str, object] | None = None) -> dict[str, str]:
        """The text for a code in both languages, for those who answer a program: `en` and `zh`."""
        chinese, english = self.both.codes[kind][code]
        return {"en": english.format_map(facts or {}), "zh": chinese.format_map(facts or {})}

    @cached_property
    def both(self) -> Texts:
        """Everything that the files hold."""
        texts: dict[str, Pair] = {}
        codes: dict[str, dict[str, Pair]] = {}
        for file in (each for path in self._paths for each in (sorted(path.glob("*.toml")) or [path])):
            for name, written in tomllib.loads(file.read_text(encoding="utf-8")).items():
                if isinstance(written, dict):
                    codes.setdefault(name, {}).update(written)
                else:
                    texts[name] = written
        return Texts(texts, codes)


class Words:
    """The words of one language; a name that is not there is a mistake in the program: KeyError."""

    def __init__(self, both: Texts, language: Language) -> None:
        self.language = language
        self._both = both
        self._side = LANGUAGES.index(language)

    def text(self, name: str, /, **values: object) -> str:
        """A text with `values` filled in; markup among them (a `<time>`) stays so, the rest is escaped beside it."""
        written = self._both.texts[name][self._side]
        if "count" in values and "|" in written:
            one, many = written.split("|")
            written = one if values["count"] == 1 else many
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(written).format_map(values)
        return written.format_map(values) if values else written

    __call__ = text

    def first(self, *names: str) -> str:
        """The first of these texts that there is."""
        return self.text(next(filter(self.has, names), names[-1]))

    def has(self, name: str) -> bool:
        """Whether there is such a text."""
        return name in self._both.texts

    def of(self, kind: str, code: str | None, otherwise: str | None = None) -> str:
        """The word for a code; one that is not known yet is `otherwise`, or stands for itself."""
        if code is None:
            return ""
        pair = self._both.codes[kind].get(code)
        return pair[self._side] if pair else code if otherwise is None else otherwise
