"""Forms of the ends of a ticket and its new beginning."""

from collections.abc import Mapping

from services.console.forms.fields import CommandForm, Field, text
from services.contracts.vocabulary import CommandName

FORMS: Mapping[CommandName, CommandForm] = {
    CommandName.REOPEN: CommandForm((text("reason", required=True),)),
    CommandName.CLOSE_UNRESOLVED: CommandForm(
        (Field("reason_code", required=True, most=64), text("reason", required=True)), grave=True
    ),
    CommandName.WITHDRAW: CommandForm((text("reason"),), grave=True),
    CommandName.MERGE: CommandForm(
        (Field("into", required=True, most=20), Field("other_customer", "flag")), grave=True
    ),
}
