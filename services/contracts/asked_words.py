"""The customer's words for the fields that they can be asked for. They come from a file, which no workflow may read."""

from pathlib import Path

from services.wording import Wording

ASKED = Wording(Path(__file__).with_name("words.toml"))


def told(code: str, language: str) -> str:
    """The customer's words for what they are asked for; what was asked for before there was this table has no name."""
    words = ASKED.speak(language)
    return words.of("field", code, words.text("field.other"))
