"""HTTP of notices: what was sent, sending it anew, and the texts (api.md)."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncConnection

from services.access.rights import allowed_to
from services.contracts.base import Message
from services.contracts.notice import Audience
from services.contracts.permissions import Action, may
from services.notify.notices import catalogue
from services.notify.notices.letter import Placeholders, fill, html_of, signed
from services.notify.notices.rendering import Template
from services.notify.notices.samples import SAMPLE_PLACES, audience_of
from services.notify.notices.service import NoticeFilters
from services.notify.notices.views import (
    NoticePage,
    NoticeView,
    Preview,
    TemplatePage,
    TemplateView,
    template_page,
    template_view,
)
from services.notify.service import NotifyDep
from services.runtime.errors import Forbidden
from services.runtime.http.conditions import if_match, versioned
from services.runtime.http.openapi import CONDITIONAL, VERSIONED
from services.runtime.postgres.idempotency import HttpAnswer
from services.runtime.security.auth import Caller, CallerDep

router = APIRouter(tags=["notices"])


async def _reader(caller: CallerDep) -> Caller:
    """Staff always read what is addressed to them; keys need the right."""
    if caller.kind != "staff" and not may(caller, Action.READ_NOTICE):
        raise Forbidden
    return caller


NoticeReader = Annotated[Caller, Depends(_reader)]
Resender = Annotated[Caller, Depends(allowed_to(Action.RESEND_NOTICE))]
TemplateReader = Annotated[Caller, Depends(allowed_to(Action.READ_TEMPLATE))]
TemplateWriter = Annotated[Caller, Depends(allowed_to(Action.WRITE_TEMPLATE))]


class TemplateDraft(Message):
    """A text: Jinja's `{{ names }}`, `{% if %}` and the filters `words`, `instant`, `quote` and `listed`."""

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class PreviewRequest(Message):
    """The text to try; what is left out is taken from the text in use."""

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)] | None = None
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] | None = None


async def _admit(notify: NotifyDep, caller: Resender, notice_id: str) -> Caller:
    """Admit whoever may send this notice anew; asked before the body is looked at."""
    await notify.notices.require(caller, notice_id, Action.RESEND_NOTICE)
    return caller


class Resend(Message):
    """Nothing needs to be said."""


@router.get("/v1/notices", response_model=NoticePage)
async def list_notices(
    notify: NotifyDep, caller: NoticeReader, filters: Annotated[NoticeFilters, Query()]
) -> NoticePage:
    """List notices of tickets that you may read, and your own, newest first.

    `text` and `links` are there for those who see the ticket's contact; reading them is logged.
    """
    views, following = await notify.notices.page(caller, filters)
    return NoticePage(items=tuple(views), next_cursor=following)


@router.get("/v1/notices/{notice_id}")
async def read_notice(notify: NotifyDep, caller: NoticeReader, notice_id: str) -> NoticeView:
    """Show one notice."""
    return await notify.notices.show(caller, notice_id)


@router.post("/v1/notices/{notice_id}/resend", status_code=202, response_model=NoticeView)
async def resend_notice(
    request: Request,
    notify: NotifyDep,
    caller: Annotated[Caller, Depends(_admit)],
    notice_id: str,
    _: Annotated[Resend, Body()],
) -> Response:
    """Send a notice anew that has come to an end; it keeps its key, so that a copy is recognised as one."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        view = await notify.notices.resend(connection, caller, notice_id)
        return HttpAnswer(view.model_dump(mode="json"), status=202)

    return await notify.idempotency.once(request, caller, work)


@router.get("/v1/notice-templates", response_model=TemplatePage)
async def list_templates(notify: NotifyDep, _: TemplateReader) -> TemplatePage:
    """List the texts of every kind of notice in both languages, as they are in use."""
    async with notify.resources.database.read() as connection:
        return template_page(await catalogue.all_stored(connection))


@router.get("/v1/notice-templates/{template_id}", response_model=TemplateView, responses=VERSIONED)
async def read_template(notify: NotifyDep, _: TemplateReader, template_id: str) -> Response:
    """Show one text and what it may name; an id is like `accepted.zh-CN`."""
    async with notify.resources.database.read() as connection:
        stored = await catalogue.stored(connection, template_id)
    return versioned(template_view(stored))


@router.put(
    "/v1/notice-templates/{template_id}",
    response_model=TemplateView,
    responses=VERSIONED,
    openapi_extra=CONDITIONAL,
)
async def put_template(
    request: Request,
    notify: NotifyDep,
    caller: TemplateWriter,
    template_id: str,
    draft: Annotated[TemplateDraft, Body()],
) -> Response:
    """Store the next version of a text; it is used from now on. A text that cannot be written is refused, with the line
    and the reason."""
    standard = catalogue.known(template_id)
    template = Template(standard.kind, standard.language, 0, draft.subject, draft.text)
    async with notify.resources.database.begin() as connection:
        stored = await catalogue.put(
            connection, template, by=caller.id, zone=notify.notices.zone, if_match=if_match(request)
        )
    return versioned(template_view(stored))


@router.post("/v1/notice-templates/{template_id}/preview", response_model=Preview)
async def preview_template(
    request: Request,
    notify: NotifyDep,
    caller: TemplateReader,
    template_id: str,
    draft: Annotated[PreviewRequest, Body()],
) -> Response:
    """Show what a text reads like with sample facts, as plain text and as the mail's HTML; nothing is stored."""

    async def work(connection: AsyncConnection) -> HttpAnswer:
        used = (await catalogue.stored(connection, template_id)).template
        subject, text = draft.subject or used.subject, draft.text or used.text
        template = Template(used.kind, used.language, used.version, subject, text)
        written = catalogue.tried(template, notify.notices.zone)
        places = Placeholders(used.language, *SAMPLE_PLACES)
        text, house = fill(written.text, places), notify.notices.house
        to_customer = audience_of(used.kind) is Audience.CUSTOMER
        shown = Preview(
            subject=fill(written.subject, places),
            text=signed(text, house, used.language) if to_customer else text,
            html=html_of(written.subject, written.text, places, house, to_customer=to_customer),
        )
        return HttpAnswer(shown.model_dump(mode="json"))

    return await notify.idempotency.once(request, caller, work)
