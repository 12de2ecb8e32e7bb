"""The commands on a ticket as forms, in the groups of `contracts/commands`: a table that the page draws and reads.

The labels are in `words/commands.py`: `command.<name>`, `command.<name>.<field>` or `field.<field>`, and
`command.<name>.hint` where one is needed.
"""

from collections.abc import Mapping

from services.console.forms.fields import CommandForm
from services.console.tickets.commands import arrangement, conversation, ending, handling
from services.contracts.vocabulary import CommandName

COMMANDS: Mapping[CommandName, CommandForm] = {
    **conversation.FORMS,
    **handling.FORMS,
    **arrangement.FORMS,
    **ending.FORMS,
}
"""Every command that the API takes."""
