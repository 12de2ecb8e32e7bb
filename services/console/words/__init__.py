"""Everything that a person reads in the console, in Chinese and English side by side."""

from collections.abc import Mapping

from services.console.words import (
    account,
    alerts,
    board,
    calendars,
    codes,
    commands,
    inbox,
    journal,
    ladders,
    new_ticket,
    policies,
    publications,
    registers,
    report,
    shell,
    ticket,
)
from services.runtime.pages import LANGUAGES, PageLanguage

Pair = tuple[str, str]
"""Chinese and English. In English `one|many` has two forms, chosen by the value `count`."""

TEXTS: Mapping[str, Pair] = {
    **shell.TEXTS,
    **account.TEXTS,
    **board.TEXTS,
    **ticket.TEXTS,
    **journal.TEXTS,
    **new_ticket.TEXTS,
    **commands.TEXTS,
    **registers.TEXTS,
    **alerts.TEXTS,
    **report.TEXTS,
    **inbox.TEXTS,
    **policies.TEXTS,
    **publications.TEXTS,
    **calendars.TEXTS,
    **ladders.TEXTS,
}
"""Sentences and labels by name; a page's names begin with the page."""
CODES: Mapping[str, Mapping[str, Pair]] = {
    **codes.CODES,
    **ticket.CODES,
    **registers.CODES,
    **alerts.CODES,
    **report.CODES,
    **policies.CODES,
    **publications.CODES,
    **calendars.CODES,
    **ladders.CODES,
}
"""Words for the codes of the API, by kind of code."""


class Words:
    """The words of one language."""

    def __init__(self, language: PageLanguage) -> None:
        self.language = language
        self._side = LANGUAGES.index(language)

    def text(self, name: str, **values: object) -> str:
        """A sentence, with `values` filled in; `count` chooses its English form."""
        written = TEXTS[name][self._side]
        if self.language == "en" and "count" in values and "|" in written:
            one, many = written.split("|")
            written = one if values["count"] == 1 else many
        return written.format(**values) if values else written

    def of(self, group: str, code: str | None) -> str:
        """The word for a code; a code that this console does not know yet stands for itself."""
        if code is None:
            return ""
        pair = CODES[group].get(code)
        return pair[self._side] if pair else code
