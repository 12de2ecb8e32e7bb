"""Notes of an import, in the words of whoever imported: what it read and what it passed over."""

from services.promises.ical_reader import Note
from services.promises.wording import WORDING


def says(note: Note, language: str) -> str:
    """The note as a sentence in Chinese (`zh`) or English; one about an event names it and its line."""
    said = WORDING.told("note", note.code, {"count": note.count, "detail": note.detail})[language]
    if note.line is None:
        return said
    return WORDING.speak(language).text("passed_over", line=note.line, summary=note.summary, why=said)
