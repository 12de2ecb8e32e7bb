"""`/t/{token}`: a customer's own ticket. Reading it changes nothing; every change is a form of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from fastapi import Request, Response

from services.contracts.basis import Basis
from services.contracts.customer import CustomerCommand, CustomerTicket
from services.contracts.names import OUTDATED
from services.intake.pages import present
from services.intake.pages.entrance import OpenedTicket, kept_ticket, open_ticket, shortened_contact, told
from services.intake.pages.forms import Errors, WrongForm, body_of, errors_by_field, fields_asked
from services.intake.pages.report import wishes
from services.intake.service import Intake, IntakeDep
from services.runtime.errors import Conflict, IdempotencyKeyReused, NotFound, Unavailable, ValidationFailed
from services.runtime.pages.banner import announce, announcement, forget_announcement
from services.runtime.pages.forms import Filled, Form, new_key, read_form, require_key
from services.runtime.pages.frame import page_router, see_other
from services.wording import Words

router = page_router()

_DONE = frozenset({"received", "earlier", *present.COMMANDS})
_OURS = frozenset({"key", "basis"})
_REFUSED = {IdempotencyKeyReused.default_code: "reused", OUTDATED: OUTDATED}
"""What the page says of a refusal; anything else is not possible any more."""
_FORMERLY_TOLD = "done"
"""What was done stood in the address once, and stands in bookmarks."""


@dataclass(frozen=True)
class SentForm:
    """A form that came back: which one, what was typed, and what kept it from being taken."""

    action: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    refused: str | None = None
    status: int = 200

    @property
    def words(self) -> list[str]:
        """Texts that were typed, for a page that has no such form any more."""
        return [text for name, text in self.typed.items() if name not in _OURS and text.strip()]


@router.get("/t/{token}")
async def show_ticket(request: Request, token: str, intake: IntakeDep) -> Response:
    """Show the ticket, and once what the customer has just done. Other spellings of the address lead to the one that
    is worth keeping."""
    opened = await open_ticket(intake, token)
    if token != opened.token or _FORMERLY_TOLD in request.query_params:
        kept = request.url.remove_query_params(_FORMERLY_TOLD).query
        return see_other(f"{opened.path}?{kept}" if kept else opened.path)
    done = announcement(request)
    try:
        ticket = await told(intake, opened)
    except Unavailable as refusal:
        answer = _unavailable(request, intake, opened, refusal, done)
    else:
        answer = await _page(request, intake, opened, ticket, done=done)
    return forget_announcement(answer, opened.path) if done else answer


@router.get("/t/{token}/{action}")
async def return_to_ticket(token: str, action: str) -> Response:
    """Lead back: the address of a form that came back, opened anew."""
    del action
    return see_other(f"/t/{token}")


@router.post("/t/{token}/{action}")
async def give_command(request: Request, token: str, action: str, intake: IntakeDep) -> Response:
    """Carry out what the customer asks for: `supply`, `message`, `confirm`, `reopen` or `withdraw`. A repeat of the
    same form changes nothing."""
    opened = await open_ticket(intake, token)
    command = present.COMMANDS.get(action)
    if command is None:
        raise NotFound
    form = await read_form(request)
    key = require_key(form)
    try:
        body = body_of(command, form, intake.zone)
        asked = CustomerCommand(key=key, body=body, basis=_basis(form), hand_over=opened.hand_over)
        await intake.tickets.give(opened.ticket_no, command, asked)
    except (WrongForm, ValidationFailed, Conflict) as refusal:
        return await _refused(request, intake, opened, _attempt(action, form, refusal))
    except Unavailable as refusal:
        return _again(request, intake, opened, action, form, refusal)
    return announce(request, see_other(opened.path), opened.path, action)


def _basis(form: Form) -> Basis | None:
    """The basis that the form was drawn from; None for one that says what no page of ours says.

    Raises:
        Conflict: `outdated`, it cannot be read.
    """
    said = form.one("basis")
    basis = Basis.read(said)
    if said and basis is None:
        raise Conflict(code=OUTDATED)
    return basis


def _attempt(action: str, form: Form, refusal: WrongForm | ValidationFailed | Conflict) -> SentForm:
    typed = form.typed()
    if isinstance(refusal, WrongForm):
        return SentForm(action, typed, refusal.errors, status=ValidationFailed.status)
    if isinstance(refusal, ValidationFailed):
        return SentForm(action, typed, errors_by_field(refusal.errors), status=refusal.status)
    return SentForm(action, typed, refused=_REFUSED.get(refusal.code, "illegal"), status=refusal.status)


async def _refused(request: Request, intake: Intake, opened: OpenedTicket, attempt: SentForm) -> Response:
    try:
        ticket = await told(intake, opened)
    except Unavailable as refusal:
        return _unavailable(request, intake, opened, refusal, "")
    return await _page(request, intake, opened, ticket, attempt=attempt)


async def _page(
    request: Request,
    intake: Intake,
    opened: OpenedTicket,
    ticket: CustomerTicket,
    *,
    done: str = "",
    attempt: SentForm | None = None,
) -> Response:
    came_back = attempt or SentForm()
    t = intake.pages.words(request, opened.language)
    errors = present.said_wrong(t, came_back.errors)
    return intake.pages.answer(
        request,
        "ticket.html",
        status=came_back.status,
        otherwise=opened.language,
        token=opened.token,
        ticket=ticket,
        basis=ticket.basis.written(),
        opened=opened,
        headline=present.headline(ticket, t),
        marks=present.marks(ticket, t),
        promises=present.promises(ticket, t, datetime.now(UTC)),
        story=present.story(ticket, t, opened.description),
        news=present.news(ticket, t),
        outcome=present.outcome(ticket, t),
        product=present.product(ticket, t),
        customer=await shortened_contact(intake, ticket),
        kept=await kept_ticket(intake, opened, ticket),
        survey=await intake.surveys.page(ticket),
        new_report=present.new_report(ticket, opened.token),
        done=done if done in _DONE else "",
        came_back=came_back,
        forms=_forms(came_back, errors),
        labels={name: t(f"field.{name}") for name in errors},
        supply=_supply(ticket, t),
        offered=_offered(ticket),
        new_key=new_key,
    )


def _offered(ticket: CustomerTicket) -> dict[str, bool]:
    """Deeds that the customer can do now, by the last part of their address."""
    return {action: command in ticket.allowed for action, command in present.COMMANDS.items()}


def _forms(came_back: SentForm, errors: Mapping[str, str]) -> dict[str, Filled]:
    """Every form of the page, empty but for the one that came back."""
    empty = {action: Filled(scope=action) for action in present.COMMANDS}
    if came_back.action:
        empty[came_back.action] = Filled(came_back.typed, errors, came_back.action)
    return empty


def _supply(ticket: CustomerTicket, t: Words) -> dict[str, Any]:
    """The fields to draw: what was asked for, else what is missing."""
    codes = ticket.asked.fields if ticket.asked else ticket.missing
    return {"fields": fields_asked(codes), "asked": ticket.asked, "wishes": wishes(t)}


def _unavailable(request: Request, intake: Intake, opened: OpenedTicket, refusal: Unavailable, done: str) -> Response:
    """The page of what intake knows by itself: the ticket is safe, and this is its number."""
    return intake.pages.answer(
        request,
        "ticket_unavailable.html",
        status=refusal.status,
        headers=refusal.headers,
        otherwise=opened.language,
        opened=opened,
        done=done if done in _DONE else "",
    )


def _again(
    request: Request, intake: Intake, opened: OpenedTicket, action: str, form: Form, refusal: Unavailable
) -> Response:
    """Nobody knows whether it arrived: the same form with the same key, to be sent again."""
    return intake.pages.answer(
        request,
        "again.html",
        status=refusal.status,
        headers=refusal.headers,
        otherwise=opened.language,
        token=opened.token,
        action=f"/t/{opened.token}/{action}",
        typed=list(form.typed().items()),
        filled=Filled(form.typed()),
    )
