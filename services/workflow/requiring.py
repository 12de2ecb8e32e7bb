"""What a body must say because of how its ticket stands."""

from datetime import UTC, datetime

from services.contracts import commands as bodies
from services.contracts.words import Status, Urgency, WaitReason
from services.runtime.errors import ValidationFailed
from services.workflow.views import TicketRow


def require_reason_to_lower(ticket: TicketRow, body: bodies.Accept | bodies.ReclassifyBody) -> None:
    """A safety risk is urgent whatever was stated; a clerk may lower it with a reason (product.md 4)."""
    state = ticket.state
    if not state.safety_risk or state.urgency is not Urgency.URGENT or body.urgency in {None, Urgency.URGENT}:
        return
    if isinstance(body, bodies.Accept):
        raise ValidationFailed.at(
            "/urgency",
            "safety_risk",
            {
                "en": "a safety risk is urgent: lower it by reclassify, with a reason",
                "zh": "有安全风险即为紧急：请用 reclassify 降低并说明原因",
            },
        )
    if body.reason is None:
        raise ValidationFailed.at(
            "/reason", "required", {"en": "say why a safety risk is not urgent", "zh": "请说明有安全风险却不紧急的原因"}
        )


def require_end(ticket: TicketRow, body: bodies.Wait) -> None:
    """A wait ends in the future; once resolved, an appointment is the callback's new due time (semantics.md 9)."""
    if body.until is not None and body.until <= datetime.now(UTC):
        raise ValidationFailed.at(
            "/until", "in_the_past", {"en": "give an instant that is still to come", "zh": "请填写尚未到来的时间"}
        )
    if ticket.state.status is Status.RESOLVED and body.reason is WaitReason.APPOINTMENT and body.until is None:
        raise ValidationFailed.at(
            "/until",
            "required",
            {"en": "an appointment for the callback needs its end", "zh": "回访预约须填写结束时间"},
        )
