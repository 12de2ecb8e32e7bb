"""Forms of whose a ticket is, what it is, and what is noted about it."""

from collections.abc import Mapping

from services.console.forms.fields import Field, Form, code, text
from services.contracts.vocabulary import Category, CommandName, Kind, Urgency

CO_OWNERS = Field("co_owners", "many", source="handlers", shown="co_owners", aside=True)
_CLASSIFICATION = (
    code("kind", Kind, "kind"),
    code("category", Category, "category"),
    code("urgency", Urgency, "urgency"),
    Field("subcategory", most=64, aside=True),
)

FORMS: Mapping[CommandName, Form] = {
    CommandName.ASSIGN: Form(
        (
            Field("department", "choice", source="departments", blank="form.unchanged"),
            Field("owner", "choice", source="handlers", blank="form.unchanged", nobody="form.nobody"),
            text("reason"),
            CO_OWNERS,
        )
    ),
    CommandName.RECLASSIFY: Form((*_CLASSIFICATION, text("reason"))),
    CommandName.PROMISE: Form(
        (Field("respond_by", "moment"), Field("resolve_by", "moment"), text("reason", required=True))
    ),
    CommandName.CHASE: Form((text("note"),)),
    CommandName.TAG: Form((Field("add", "words", most=200), Field("remove", "many", source="tags"))),
    CommandName.EXPLAIN_BREACH: Form(
        (Field("clock", "choice", required=True, source="breached"), text("reason", required=True))
    ),
}
