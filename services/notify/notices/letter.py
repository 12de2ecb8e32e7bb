"""A notice as its recipient gets it: places filled, as plain text and as HTML that mail programs show alike."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from services.contracts.lines import harmless, one_line, visible
from services.contracts.notice import Audience
from services.notify.notices.rendering import CLOSE, OPEN, apart
from services.notify.notices.samples import CUSTOMER_PLACE, SURVEY_LINK_PLACE, TICKET_LINK_PLACE
from services.notify.notices.vocabulary import WORDING, Language
from services.notify.settings import NotifySettings

_THEIR_WORDS = re.compile(f"({OPEN}[^{OPEN}{CLOSE}\\n]*{CLOSE})")


def _layout() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["theirs_apart"] = _theirs_apart
    return environment.get_template("layout.html")


@dataclass(frozen=True)
class Letter:
    """A letter that goes out. `key` is the same over all repeats."""

    key: str
    audience: Audience
    language: Language
    subject: str
    text: str
    html: str
    to_name: str | None
    to_email: str | None
    urgent: bool = False


@dataclass(frozen=True)
class Block:
    """A paragraph, list, quotation or button of the HTML."""

    sort: str
    lines: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True)
class Placeholders:
    """Values for the places of a written text. `links` are all of our own addresses that it may hold."""

    language: Language
    customer: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def greeted(self) -> str:
        """The salutation of the customer: their name, marked as theirs, where that is one."""
        name = harmless(self.customer)
        return apart(name) if name else WORDING.speak(self.language).text("nameless")


@dataclass(frozen=True)
class House:
    """The letterhead: the service centre as the layout names it, and how a person is reached there."""

    name: str
    help_line: str = ""

    def help_in(self, language: Language) -> str:
        """Words on how a customer reaches a person; empty where nobody said how."""
        return WORDING.speak(language).text("help", help_line=self.help_line) if self.help_line else ""


def house_of(settings: NotifySettings) -> House:
    """The service centre as the settings name it."""
    return House(settings.sender_name, one_line(settings.help_line))


def fill(text: str, places: Placeholders) -> str:
    """A written text as plain text: the customer's name and the links in their places, nothing that is not seen."""
    return visible(_filled(text, places))


def signed(text: str, house: House, language: Language) -> str:
    """A filled text to a customer with how a person is reached."""
    help_line = house.help_in(language)
    return f"{text}\n\n{help_line}" if help_line else text


def html_of(subject: str, text: str, places: Placeholders, house: House, *, to_customer: bool = True) -> str:
    """Lay a written text out. Nothing in it is trusted: every character is escaped, people's words stand apart, and
    only our own links, which stand in `places`, become buttons."""
    blocks = tuple(_blocks(_filled(text, places), frozenset(places.links.values())))
    help_line = house.help_in(places.language) if to_customer else ""
    return _LAYOUT.render(
        title=fill(subject, places),
        subject=_filled(subject, places),
        blocks=blocks,
        language=places.language,
        sender=house.name,
        preview=_first(blocks),
        help_line=help_line,
    )


def _filled(text: str, places: Placeholders) -> str:
    """Fill the places that stand in our own words; who writes the name of a place has written just that."""
    return "".join(
        piece if piece.startswith(OPEN) else _fill(piece, places) for piece in _THEIR_WORDS.split(text) if piece
    )


def _fill(text: str, places: Placeholders) -> str:
    filled = text.replace(CUSTOMER_PLACE, places.greeted)
    filled = filled.replace(TICKET_LINK_PLACE, places.links.get("ticket", ""))
    return filled.replace(SURVEY_LINK_PLACE, places.links.get("survey", ""))


def _blocks(text: str, own: Container[str]) -> Iterator[Block]:
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if lines:
            yield _block(lines, own)


def _block(lines: list[str], own: Container[str]) -> Block:
    if all(line.startswith("- ") for line in lines):
        return Block("list", tuple(line[2:] for line in lines))
    if all(line.startswith(">") for line in lines):
        return Block("quote", tuple(line[1:].strip() for line in lines))
    if len(lines) == 2 and lines[1] in own:  # noqa: PLR2004
        return Block("button", (lines[0].rstrip("：: "),), link=lines[1])
    return Block("text", tuple(lines))


def _first(blocks: Sequence[Block]) -> str:
    """The text that mail programs show beside the subject: the first sentence after the greeting."""
    spoken = [block for block in blocks if block.sort in {"text", "quote"}]
    return visible(" ".join(spoken[min(1, len(spoken) - 1)].lines))[:140] if spoken else ""


def _theirs_apart(line: str) -> Markup:
    """A line for HTML. People's words are isolated: no script and no mark in them turns ours around."""
    return Markup("").join(
        Markup("<bdi>{}</bdi>").format(visible(piece)) if piece.startswith(OPEN) else escape(visible(piece))
        for piece in _THEIR_WORDS.split(line)
    )


_LAYOUT = _layout()
