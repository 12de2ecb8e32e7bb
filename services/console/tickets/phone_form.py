"""The form for a call: what a clerk asks, in the order in which a customer tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.console.forms.fields import Field
from services.contracts.vocabulary import Category, Channel, DesiredSolution, Kind, ServiceStage, Tier, Urgency


@dataclass(frozen=True)
class FormSection:
    """Questions that belong together; its heading is `new_ticket.section.<name>`."""

    name: str
    fields: Sequence[Field]


def _choice(name: str, codes: Sequence[StrEnum], group: str, *, open_: bool = False, aside: bool = False) -> Field:
    return Field(name, "radio" if open_ else "choice", codes=tuple(codes), group=group, aside=aside)


_SPOKEN = (Channel.PHONE, Channel.CHAT, Channel.EMAIL, Channel.WECHAT, Channel.WEB, Channel.APP)

SECTIONS = (
    FormSection(
        "caller",
        (
            Field("customer.phone", "phone", most=100, marked=True),
            Field("customer.name", required=True, most=200),
            Field("customer.email", most=200),
            Field("customer.customer_no", most=100, aside=True),
            _choice("customer.tier", tuple(Tier), "tier", aside=True),
        ),
    ),
    FormSection(
        "trouble",
        (
            Field("description", "area", required=True),
            _choice("kind", tuple(Kind), "kind", open_=True),
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
            _choice("urgency", tuple(Urgency), "urgency", open_=True),
            _choice("desired_solution", tuple(DesiredSolution), "desired_solution", open_=True),
            Field("expected_by", "date"),
            _choice("category", tuple(Category), "category", aside=True),
            Field("impact.affected_count", "number", most=1_000_000, aside=True),
            _choice("channel", _SPOKEN, "channel", aside=True),
            _choice("service_stage", tuple(ServiceStage), "service_stage", aside=True),
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
