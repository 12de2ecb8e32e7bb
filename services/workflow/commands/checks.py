"""Requirements on a body because of how its ticket stands."""

from datetime import UTC, datetime

from services.contracts.commands.arrangement import ReclassifyBody
from services.contracts.commands.ending import Merge
from services.contracts.commands.handling import Accept, Wait
from services.contracts.ticket import DeadlineName
from services.contracts.vocabulary import CloseReason, Status, Urgency, WaitReason
from services.runtime.errors import ValidationFailed
from services.workflow.views.ticket_row import TicketRow


def require_reason_to_lower(ticket: TicketRow, body: Accept | ReclassifyBody) -> None:
    """A safety risk is urgent whatever was stated; a clerk may lower it with a reason (product.md 4)."""
    state = ticket.state
    if not state.safety_risk or state.urgency is not Urgency.URGENT or body.urgency in {None, Urgency.URGENT}:
        return
    if isinstance(body, Accept):
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


def require_keepable(copy: TicketRow, kept: TicketRow, body: Merge) -> None:
    """A copy goes into a ticket that lives: open, or closed and inside its reopening window, which opens it again. Into
    another customer's only where that is said, since both hear of it from then on."""
    if kept.row["close_reason"] == CloseReason.MERGED:
        into = kept.row["merged_into"]
        raise ValidationFailed.at(
            "/into",
            "merged",
            {"en": f"it was merged into {into}: name that", "zh": f"该工单已并入 {into}：请填写后者"},
        )
    if kept.row["ended"] or _is_over(kept):
        raise ValidationFailed.at(
            "/into",
            "closed",
            {
                "en": "it is closed and its reopening window is over: keep this ticket, or name another",
                "zh": "该工单已关闭且已过重新打开期限：请保留本工单，或填写其他工单",
            },
        )
    if kept.row["customer_id"] != copy.row["customer_id"] and not body.other_customer:
        raise ValidationFailed.at(
            "/other_customer",
            "other_customer",
            {
                "en": "the kept ticket is another customer's: say `other_customer: true` if that is meant",
                "zh": "所保留的工单属于另一客户：确需合并请设 other_customer 为 true",
            },
        )


def _is_over(kept: TicketRow) -> bool:
    ends = (it.at for it in kept.state.deadlines if it.name is DeadlineName.REOPEN_WINDOW)
    return any(at is not None and at <= datetime.now(UTC) for at in ends)


def require_end(ticket: TicketRow, body: Wait) -> None:
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
