"""A notice as its recipient gets it: places filled, as plain text and as HTML that mail programs show alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.contracts.notice import Audience
from services.notify.notices.samples import CUSTOMER_PLACE, SURVEY_LINK_PLACE, TICKET_LINK_PLACE
from services.notify.notices.words import NAMELESS, Language

_LAYOUT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("layout.html")


@dataclass(frozen=True)
class Letter:
    """What goes out. `key` is the same over all repeats."""

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
class Places:
    """What the places of a written text are filled with."""

    language: Language
    customer: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)


def fill(text: str, places: Places) -> str:
    """Put the customer's name and the links into their places."""
    filled = text.replace(CUSTOMER_PLACE, places.customer or NAMELESS[places.language])
    filled = filled.replace(TICKET_LINK_PLACE, places.links.get("ticket", ""))
    return filled.replace(SURVEY_LINK_PLACE, places.links.get("survey", ""))


def html_of(subject: str, text: str, *, language: Language, sender: str, preview: str = "") -> str:
    """Lay a filled text out. Nothing in it is trusted: every character is escaped."""
    return _LAYOUT.render(
        subject=subject, blocks=tuple(_blocks(text)), language=language, sender=sender, preview=preview or _first(text)
    )


def _blocks(text: str) -> Iterator[Block]:
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if lines:
            yield _block(lines)


def _block(lines: list[str]) -> Block:
    if all(line.startswith("- ") for line in lines):
        return Block("list", tuple(line[2:] for line in lines))
    if all(line.startswith(">") for line in lines):
        return Block("quote", tuple(line[1:].strip() for line in lines))
    if len(lines) == 2 and lines[1].startswith(("https://", "http://")) and " " not in lines[1]:  # noqa: PLR2004
        return Block("button", (lines[0].rstrip("：: "),), link=lines[1])
    return Block("text", tuple(lines))


def _first(text: str) -> str:
    """What mail programs show beside the subject: the first sentence after the greeting."""
    blocks = [block for block in _blocks(text) if block.sort in {"text", "quote"}]
    return " ".join(blocks[min(1, len(blocks) - 1)].lines)[:140] if blocks else ""
