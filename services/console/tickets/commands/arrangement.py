"""Forms of whose a ticket is, what it is, and what is noted about it."""

from collections.abc import Mapping

from services.console.forms.fields import CommandForm, Field, code, text
from services.contracts.vocabulary import Category, CommandName, Kind, Urgency

CO_OWNERS = Field("co_owners", "many", source="handlers", shown="co_owners", aside=True)
_CLASSIFICATION = (
    code("kind", Kind, "kind"),
    code("category", Category, "category"),
    code("urgency", Urgency, "urgency"),
    Field("subcategory", most=64, aside=True),
)

FORMS: Mapping[CommandName, CommandForm] = {
    CommandName.ASSIGN: CommandForm(
        (
            Field("department", "choice", source="departments", blank="form.unchanged"),
            Field("owner", "choice", source="handlers", blank="form.unchanged", nobody="form.nobody"),
            text("reason"),
            CO_OWNERS,
        )
    ),
    CommandName.RECLASSIFY: CommandForm((*_CLASSIFICATION, text("reason"))),
    CommandName.PROMISE: CommandForm(
        (Field("respond_by", "moment"), Field("resolve_by", "moment"), text("reason", required=True))
    ),
    CommandName.CHASE: CommandForm((text("note"),)),
    CommandName.TAG: CommandForm((Field("add", "words", most=200), Field("remove", "many", source="tags"))),
    CommandName.EXPLAIN_BREACH: CommandForm(
        (Field("clock", "choice", required=True, source="breached"), text("reason", required=True))
    ),
}
