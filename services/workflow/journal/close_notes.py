"""The filed reason of a close that nobody wrote a text for (product.md 3.7: every close but `confirmed` has one)."""

from pathlib import Path

from services.contracts.vocabulary import CloseReason
from services.wording import Wording

WORDING = Wording(Path(__file__).with_name("words.toml"))


def standard_note(reason: CloseReason, language: str) -> str | None:
    """The text to file when none was written; None for `confirmed`, whose evidence is filed instead."""
    return WORDING.speak(language).of("close_note", reason, "") or None
