"""Notices and their texts as the API shows them (api.md)."""

from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import RowMapping

from services.contracts.base import Instant, Message
from services.contracts.notice import Audience, NoticeChannel, NoticeKind, NoticeState, NotSentReason
from services.contracts.page import Page
from services.notify.notices.catalogue import StoredTemplate
from services.notify.notices.letter import Placeholders, fill
from services.notify.notices.samples import audience_of, variables
from services.notify.notices.vocabulary import Language


class NoticeView(Message):
    """One notice. `text` and `links` are shown to those who see the ticket's contact, and to the recipient; a
    customer's links are theirs alone, and stand in no text here."""

    id: str
    key: str
    ticket_no: str | None
    kind: NoticeKind
    audience: Audience
    recipient: str
    channel: NoticeChannel | None
    state: NoticeState
    not_sent_reason: NotSentReason | None
    held: bool = Field(description="Kept back until something else happens: a complex plan waits for its approval.")
    held_until: Instant | None = Field(description="While it waits: the end of the quiet hours that hold it back.")
    urgent: bool
    happened_at: Instant
    created_at: Instant
    sent_at: Instant | None
    tries: int
    last_error: str | None = Field(description="Code of the last try that failed.")
    resent: int = Field(description="How often somebody had it sent anew.")
    language: str | None
    template: str | None
    subject: str | None
    text: str | None
    links: dict[str, str] | None


class NoticePage(Page[NoticeView]):
    """A page of notices."""


class TemplateView(Message):
    """A text and what it may name. `version` 0 is the built-in one."""

    id: str
    kind: NoticeKind
    audience: Audience
    language: Language
    version: int
    built_in: bool
    subject: str
    text: str
    variables: tuple[str, ...]
    updated_at: Instant | None
    updated_by: str | None


class TemplatePage(Page[TemplateView]):
    """A page of texts."""


class Preview(Message):
    """A text filled with sample facts; `html` is the mail's."""

    subject: str
    text: str
    html: str


def notice_view(row: RowMapping, places: Placeholders | None) -> NoticeView:
    """Show a row; `places` fills the text, None hides it."""
    text = None if places is None or row["text"] is None else fill(row["text"], places)
    anonymous = Placeholders(Language.of(row["language"], Language.CHINESE))
    subject = row["subject"] and fill(row["subject"], places or anonymous)
    same = ("id", "key", "ticket_no", "kind", "audience", "recipient", "channel", "state", "not_sent_reason", "held",
            "urgent", "created_at", "sent_at", "tries", "last_error", "language", "template")  # fmt: skip
    return NoticeView(
        **{name: row[name] for name in same},
        held_until=row["held_until"] if row["state"] == NoticeState.WAITING else None,
        happened_at=row["at"],
        resent=row["round"] - 1,
        subject=subject,
        text=text,
        links=None if places is None or row["text"] is None else _links(row),
    )


def _links(row: RowMapping) -> dict[str, str]:
    """Links from a notice to our pages; a customer's links are shown to nobody but the customer."""
    return dict(row["links"]) if row["audience"] == Audience.STAFF else {}


def template_view(stored: StoredTemplate) -> TemplateView:
    """Show a text."""
    template = stored.template
    return TemplateView(
        **vars(template),
        id=template.id,
        audience=audience_of(template.kind),
        built_in=template.version == 0,
        variables=variables(template.kind),
        updated_at=stored.updated_at,
        updated_by=stored.updated_by,
    )


def template_page(entries: Sequence[StoredTemplate]) -> TemplatePage:
    """All texts; there are few, so they are one page."""
    return TemplatePage(items=tuple(map(template_view, entries)), next_cursor=None)
