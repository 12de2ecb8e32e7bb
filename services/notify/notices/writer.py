"""Writes a notice's text from its row, and the letter that brings it to somebody."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.notice import Audience
from services.notify.notices.addresses import RecipientAddress
from services.notify.notices.letter import House, Letter, Placeholders, fill, html_of, signed
from services.notify.notices.rendering import Template, Written, write
from services.notify.notices.samples import CUSTOMER_PLACE, SURVEY_LINK_PLACE, TICKET_LINK_PLACE
from services.notify.notices.vocabulary import Language

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Letterhead:
    """The sender that notices come from."""

    house: House
    zone: ZoneInfo
    public_url: str


@dataclass(frozen=True)
class NoticeText:
    """A notice's text; `template` says which it was made of, None that it was kept already."""

    written: Written
    language: Language
    template: str | None

    @property
    def is_kept(self) -> bool:
        """Whether its row holds it."""
        return self.template is None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns that keep it; none where it is kept already."""
        if self.is_kept:
            return {}
        kept = {"subject": self.written.subject, "text": self.written.text}
        return {**kept, "language": self.language, "template": self.template}


class NoticeWriter:
    """Writes for one sender."""

    def __init__(self, sender: Letterhead) -> None:
        self._sender = sender

    def text(self, row: Row, reached: RecipientAddress, templates: Mapping[str, Template]) -> NoticeText:
        """The notice's text: as it was kept, so that every repeat says the same, else written now.

        Raises:
            Unwritable: the template cannot be filled with these facts.
        """
        if row["text"] is not None:
            kept = Written(row["subject"], row["text"])
            return NoticeText(kept, Language.of(row["language"], Language.CHINESE), None)
        language = Language.of(row["language"] or reached.language, Language.CHINESE)
        template = templates[f"{row['kind']}.{language}"]
        written = write(template, self._facts(row), self._sender.zone)
        return NoticeText(written, language, f"{template.id}@{template.version}")

    def letter(self, row: Row, reached: RecipientAddress, text: NoticeText) -> Letter:
        """The letter that brings a text to its recipient."""
        to_customer = row["audience"] == Audience.CUSTOMER
        links = {**reached.links, **row["links"], **({} if to_customer else self._staff_links(row))}
        places = Placeholders(text.language, reached.name if to_customer else None, links)
        written, house = text.written, self._sender.house
        filled = fill(written.text, places)
        return Letter(
            key=row["key"],
            audience=Audience(row["audience"]),
            language=text.language,
            subject=fill(written.subject, places),
            text=signed(filled, house, text.language) if to_customer else filled,
            html=html_of(written.subject, written.text, places, house, to_customer=to_customer),
            to_name=reached.name,
            to_email=reached.email,
            urgent=row["urgent"],
        )

    def _facts(self, row: Row) -> Mapping[str, Any]:
        places = {"customer": CUSTOMER_PLACE, "ticket_link": TICKET_LINK_PLACE, "survey_link": SURVEY_LINK_PLACE}
        links = {f"{name}_link": link for name, link in self._staff_links(row).items()}
        return {**row["facts"], **row["texts"], **places, **links, "ticket_no": row["ticket_no"]}

    def _staff_links(self, row: Row) -> Mapping[str, str]:
        """Links where staff go on; an alert's notice brings the way to the alert itself."""
        base, ticket_no = self._sender.public_url, row["ticket_no"]
        links = {"alerts": row["links"].get("alerts") or f"{base}/alerts"}
        return {**links, "console": f"{base}/tickets/{ticket_no}"} if ticket_no else links
