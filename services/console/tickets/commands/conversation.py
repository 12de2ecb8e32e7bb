"""Forms of what customers and staff say to each other."""

from collections.abc import Mapping

from services.console.forms.fields import CommandForm, Field, code, text
from services.contracts.vocabulary import CommandName, DesiredSolution

FORMS: Mapping[CommandName, CommandForm] = {
    CommandName.RESPOND: CommandForm((text("message", required=True),)),
    CommandName.REQUEST_INFORMATION: CommandForm(
        (
            Field("fields", "many", required=True, source="askable", shown="missing"),
            Field("message", "area", required=True, draft="draft.request-information"),
        )
    ),
    CommandName.CUSTOMER_MESSAGE: CommandForm((text("message", required=True),)),
    CommandName.SUPPLY_INFORMATION: CommandForm(
        (
            Field("product.serial_no", most=100),
            Field("product.order_no", most=100),
            Field("product.model", most=100),
            text("message"),
            Field("product.purchased_on", "date", aside=True),
            Field("customer.phone", most=100, aside=True),
            Field("customer.email", most=200, aside=True),
            Field("occurred_at", "moment", aside=True),
            text("situation", aside=True),
            text("already_tried", aside=True),
            Field("complaint_about", most=200, aside=True),
            code("desired_solution", DesiredSolution, "desired_solution", aside=True),
        )
    ),
}
