"""Forms of the work on a ticket, from the acceptance to the callback."""

from collections.abc import Mapping

from services.console.forms.fields import CommandForm, Field, code, needed, text
from services.console.tickets.commands.arrangement import CO_OWNERS
from services.contracts.vocabulary import (
    CallbackChannel,
    CallbackClass,
    CallbackOutcome,
    Category,
    Cause,
    CommandName,
    ComplaintLevel,
    Kind,
    Result,
    Urgency,
)

_CAUSE = code("cause", Cause, "cause", shown="cause")

FORMS: Mapping[CommandName, CommandForm] = {
    CommandName.ACCEPT: CommandForm(
        (
            code("kind", Kind, "kind", shown="kind"),
            code("category", Category, "category", shown="category"),
            code("urgency", Urgency, "urgency", shown="urgency"),
            Field("department", "choice", source="departments", blank="form.routed"),
            Field("owner", "choice", source="handlers"),
            Field("complex", "flag"),
            Field("subcategory", most=64, aside=True),
            CO_OWNERS,
        )
    ),
    CommandName.PLAN: CommandForm(
        (
            Field("steps", "lines", required=True),
            _CAUSE,
            Field("expected_at", "moment"),
            Field("complex", "flag", shown="complex"),
            Field("resources", aside=True),
        )
    ),
    CommandName.PROGRESS: CommandForm(
        (text("message", required=True),), buttons=(("visible", "true"), ("visible", "false"))
    ),
    CommandName.WAIT: CommandForm(
        (
            Field("reason", "radio", required=True, source="wait_reasons"),
            Field("until", "moment"),
            text("note"),
        )
    ),
    CommandName.RESUME: CommandForm((text("note"),)),
    CommandName.RESOLVE: CommandForm(
        (
            needed("result", Result, "result"),
            text("summary", required=True),
            text("reason"),
            _CAUSE,
            Field("verified_with_customer", "flag"),
            Field("resources", aside=True),
        )
    ),
    CommandName.APPROVE_PLAN: CommandForm((text("note"),)),
    CommandName.REJECT_PLAN: CommandForm((text("reason", required=True),)),
    CommandName.RECORD_CALLBACK: CommandForm(
        (
            needed("outcome", CallbackOutcome, "outcome"),
            needed("channel", CallbackChannel, "callback_channel", "choice"),
            text("note"),
            Field("score", "choice", source="scores"),
            text("open_question", aside=True),
            Field("called_at", "moment", aside=True),
            Field("duration_seconds", "number", most=86_400, aside=True),
            code("classified_as", CallbackClass, "callback_class", aside=True),
            code("level", ComplaintLevel, "level", aside=True),
        )
    ),
}
