"""The form for a call: what a clerk asks, in the order in which a customer tells it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.console.forms.fields import Field, code
from services.contracts.vocabulary import Category, Channel, DesiredSolution, Kind, ServiceStage, Tier, Urgency


@dataclass(frozen=True)
class FormSection:
    """Questions that belong together; its heading is `new_ticket.section.<name>`."""

    name: str
    fields: Sequence[Field]


_SPOKEN = (Channel.PHONE, Channel.CHAT, Channel.EMAIL, Channel.WECHAT, Channel.WEB, Channel.APP)

SECTIONS = (
    FormSection(
        "caller",
        (
            Field("customer.phone", "phone", most=100, marked=True),
            Field("customer.name", required=True, most=200),
            Field("customer.email", most=200),
            Field("customer.customer_no", most=100, aside=True),
            code("customer.tier", Tier, "tier", aside=True),
        ),
    ),
    FormSection(
        "trouble",
        (
            Field("description", "area", required=True),
            Field("kind", "radio", codes=tuple(Kind), group="kind"),
            Field("product.model", most=100),
            Field("product.serial_no", most=100),
            Field("product.order_no", most=100),
            Field("already_tried", "area"),
            Field("occurred_at", "moment", aside=True),
            Field("situation", "area", aside=True),
            Field("product.purchased_on", "date", aside=True),
            Field("complaint_about", most=200, aside=True),
        ),
    ),
    FormSection(
        "wish",
        (
            Field("impact.safety_risk", "flag"),
            Field("urgency", "radio", codes=tuple(Urgency), group="urgency"),
            Field("desired_solution", "radio", codes=tuple(DesiredSolution), group="desired_solution"),
            Field("expected_by", "date"),
            code("category", Category, "category", aside=True),
            Field("impact.affected_count", "number", most=1_000_000, aside=True),
            Field("channel", "choice", codes=_SPOKEN, group="channel", aside=True),
            code("service_stage", ServiceStage, "service_stage", aside=True),
            Field("language", "choice", source="languages", aside=True),
        ),
    ),
)
"""Every field of `POST /v1/feedback` that a clerk can fill in."""

FIELDS = tuple(field for section in SECTIONS for field in section.fields)
BEGINNING = {
    "channel": ("phone",),
    "service_stage": ("after_sales",),
    "language": ("zh-CN",),
    "impact.affected_count": ("1",),
}
