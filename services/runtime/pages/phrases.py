"""What pages say: every phrase in every language, so that none can be forgotten in one of them."""

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup, escape

from services.runtime.pages.language import PageLanguage


class Said(NamedTuple):
    """One phrase; `{name}` is filled in when it is spoken."""

    zh: str
    en: str


class Phrases:
    """Phrases by key."""

    def __init__(self, *groups: Mapping[str, tuple[str, str]]) -> None:
        """Later groups replace phrases of earlier ones."""
        self._said = {key: Said(*texts) for group in groups for key, texts in group.items()}

    def joined_to(self, others: "Phrases") -> "Phrases":
        """These phrases over those of `others`."""
        return Phrases(others._said, self._said)

    def speak(self, language: PageLanguage) -> "Speech":
        """The phrases in one language."""
        return Speech(self._said, language)


class Speech:
    """`t("key", name=value)` in templates. `has("key")` tells whether a phrase exists."""

    def __init__(self, said: Mapping[str, Said], language: PageLanguage) -> None:
        self._said = said
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The phrase; markup among the values (a `<time>`) stays markup, everything else is escaped beside it.

        A key that is not there is a mistake in the program: KeyError.
        """
        said = self._said[key]
        text = said.zh if self.language == "zh-CN" else said.en
        if any(isinstance(value, Markup) for value in values.values()):
            return escape(text).format_map(values)
        return text.format_map(values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is such a phrase."""
        return key in self._said
