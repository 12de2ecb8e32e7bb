"""Forms of the ends of a ticket and its new beginning."""

from collections.abc import Mapping

from services.console.forms.fields import Field, Form, text
from services.contracts.vocabulary import CommandName

FORMS: Mapping[CommandName, Form] = {
    CommandName.REOPEN: Form((text("reason", required=True),)),
    CommandName.CLOSE_UNRESOLVED: Form(
        (Field("reason_code", required=True, most=64), text("reason", required=True)), grave=True
    ),
    CommandName.WITHDRAW: Form((text("reason"),), grave=True),
    CommandName.MERGE: Form((Field("into", required=True, most=20), Field("other_customer", "flag")), grave=True),
}
