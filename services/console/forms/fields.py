"""A form as a table: fields that pages draw, read and word.

A field's label is `field.<name>` in the words, or the page's own where it has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

Type = Literal["text", "area", "lines", "choice", "radio", "flag", "many", "moment", "date", "number", "words", "phone",
               "email", "password"]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One field. `name` is the path in the command's body (`product.serial_no`); `codes` are the choices and `group`
    their words, `source` names choices that the page knows (staff, departments, ...). `shown` prefills from the
    ticket's field of that name."""

    name: str
    type: Type = "text"
    required: bool = False
    codes: Sequence[StrEnum] = ()
    group: str = ""
    source: str = ""
    shown: str = ""
    most: int = 20_000
    draft: str = ""
    """Name of a text to begin with, in the customer's language."""
    called: str = ""
    """Its label is `field.<called>` where `field.<name>` says something else."""
    word: tuple[str, str] = ("field", "")
    """Its label is the word for this code of this kind, where it has no text; its name's of `field` by default."""
    aside: bool = False
    """Seldom needed: folded away."""
    marked: bool = False
    """Asked for like what is required, but another field can stand in for it."""
    blank: str = ""
    """The word for choosing nothing, which leaves the field out."""
    nobody: str = ""
    """The word for choosing nobody, where that is a choice: it sends null."""


NOBODY = "-"
"""The value of choosing nobody; no id looks like this."""


@dataclass(frozen=True)
class FieldChoice:
    """One choice; `group` is a heading over it, `said` what a prepared message calls it."""

    value: str
    text: str
    group: str = ""
    said: str = ""


@dataclass(frozen=True)
class Draft:
    """A prepared message: `text` with a place for what is chosen, and what stands between two choices."""

    PLACE: ClassVar[str] = "{fields}"
    text: str
    between: str

    def about(self, names: Sequence[str]) -> str:
        """The message about these."""
        return self.text.replace(self.PLACE, self.between.join(names) or "…")


@dataclass(frozen=True)
class CommandForm:
    """One command. `buttons` are its ways to be sent: a field's name and value each; without any there is one."""

    fields: Sequence[Field] = ()
    buttons: Sequence[tuple[str, str]] = ()
    grave: bool = False
    """Ends or moves the ticket in a way that is not easily undone."""


def code(name: str, codes: type[StrEnum], group: str, *, shown: str = "", aside: bool = False) -> Field:
    """A choice among `codes`; their words are of `group`."""
    return Field(name, "choice", False, tuple(codes), group, shown=shown, aside=aside)


def needed(name: str, codes: type[StrEnum], group: str, kind: Type = "radio") -> Field:
    """The same, and one must be chosen."""
    return Field(name, kind, True, tuple(codes), group)


def text(name: str, *, required: bool = False, aside: bool = False) -> Field:
    """A text of several lines."""
    return Field(name, "area", required, aside=aside)
