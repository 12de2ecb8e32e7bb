"""`/f`: the form in which a customer reports something. It registers as `POST /v1/feedback` does."""

from collections.abc import Mapping
from contextlib import suppress

from fastapi import Request, Response

from services.contracts.feedback import Feedback
from services.contracts.vocabulary import Channel, DesiredSolution, Kind
from services.intake.feedback.origins import Origin
from services.intake.pages.entrance import open_ticket
from services.intake.pages.forms import Errors, WrongForm, errors_by_field, feedback_of
from services.intake.pages.present import said_wrong
from services.intake.schemas import Registered, Successor
from services.intake.service import Intake, IntakeDep
from services.runtime.errors import IdempotencyKeyReused, NotFound, Unavailable, ValidationFailed
from services.runtime.pages.banner import announce
from services.runtime.pages.forms import Filled, Form, new_key, read_form, require_key
from services.runtime.pages.frame import page_router, see_other
from services.runtime.pages.language import page_language
from services.wording import LANGUAGES, Words

router = page_router()

_KINDS = (Kind.FAULT, Kind.COMPLAINT, Kind.CONSULTATION, Kind.SUGGESTION, Kind.PRAISE)
_IN_DETAILS = frozenset({"occurred_on", "situation", "tried", "wish", "order_no", "purchased_on", "about", "affected"})


@router.get("/f")
async def show_form(
    request: Request,
    intake: IntakeDep,
    model: str = "",
    serial: str = "",
    order: str = "",
    again: bool = False,
    follows: str = "",
) -> Response:
    """Show the form, empty or with the product of a label; `again` tells that another page sent the customer here,
    `follows` is their link to the closed ticket that they come from."""
    product = {"model": model, "serial_no": serial, "order_no": order}
    labelled = any(product.values()) and not again
    values = {**product, "follows": follows}
    channel = Channel.QR if labelled else Channel.WEB
    return await _form(request, intake, Filled(values), key=new_key(), channel=channel)


@router.post("/f")
async def send_form(request: Request, intake: IntakeDep) -> Response:
    """Register what was sent and lead to the ticket's own page. The same form sent twice is one ticket."""
    form = await read_form(request)
    key = require_key(form)
    try:
        registered, done = await _register(intake, form, key, _language(request, form))
    except WrongForm as wrong:
        return await _again(request, intake, form, key, wrong.errors)
    except ValidationFailed as refusal:
        return await _again(request, intake, form, key, errors_by_field(refusal.errors))
    except Unavailable as refusal:
        return await _form(
            request,
            intake,
            Filled(form.typed()),
            key=key,
            channel=_channel(form),
            status=refusal.status,
            headers=refusal.headers,
            unknown=True,
        )
    token = registered.links.ticket.rpartition("/")[2]
    path = f"/t/{token}"
    return announce(request, see_other(path), path, done)


async def _register(intake: Intake, form: Form, key: str, language: str) -> tuple[Registered, str]:
    """The ticket, and whether these very words made it: who goes back and changes them has sent the form before."""
    feedback = await _going_on(intake, form, feedback_of(form, _channel(form), language, intake.zone))
    own_ticket = feedback.follows if isinstance(feedback, Successor) else None
    asked = intake.idempotency.under(None, key, feedback.model_dump(mode="json"))
    origin = Origin(asked, own_ticket=own_ticket)
    try:
        receipt = await intake.registrar.register(feedback, origin)
    except IdempotencyKeyReused:
        return await intake.registrar.earlier(origin), "earlier"
    return receipt.registered, "received"


async def _going_on(intake: Intake, form: Form, feedback: Feedback) -> Feedback:
    """The feedback with the ticket that it goes on from. A link that opens nothing leaves a report like any other."""
    earlier = await _earlier(intake, form.one("follows"))
    return Successor(**dict(feedback), follows=earlier) if earlier else feedback


async def _earlier(intake: Intake, token: str) -> str | None:
    """The number of the ticket that a link opens."""
    try:
        return (await open_ticket(intake, token)).ticket_no
    except NotFound:
        return None


async def _shown_earlier(intake: Intake, token: str) -> str | None:
    """The same for the eye alone: the form is there without PostgreSQL too."""
    with suppress(Unavailable):
        return await _earlier(intake, token)
    return None


async def _again(request: Request, intake: Intake, form: Form, key: str, errors: Errors) -> Response:
    t = intake.pages.words(request)
    filled = Filled(form.typed(), said_wrong(t, errors))
    return await _form(request, intake, filled, key=key, channel=_channel(form), status=ValidationFailed.status)


async def _form(
    request: Request,
    intake: Intake,
    form: Filled,
    *,
    key: str,
    channel: Channel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    unknown: bool = False,
) -> Response:
    t = intake.pages.words(request)
    return intake.pages.answer(
        request,
        "report.html",
        status=status,
        headers=headers,
        form=form,
        key=key,
        channel=channel,
        unknown=unknown,
        earlier=await _shown_earlier(intake, form.value("follows")),
        kinds=[(kind, t(f"report.kind.{kind}")) for kind in _KINDS],
        wishes=wishes(t),
        labels={name: t(f"field.{name}") for name in form.errors},
        more_open=any(form.value(name) or form.error(name) for name in _IN_DETAILS),
    )


def wishes(t: Words) -> list[tuple[str, str]]:
    """Solutions that a customer can ask for, in words."""
    return [(wish, t(f"report.wish.{wish}")) for wish in DesiredSolution]


def _channel(form: Form) -> Channel:
    return Channel.QR if form.one("channel") == Channel.QR else Channel.WEB


def _language(request: Request, form: Form) -> str:
    """That of the page that was filled in."""
    sent = form.one("language")
    return sent if sent in LANGUAGES else page_language(request)
