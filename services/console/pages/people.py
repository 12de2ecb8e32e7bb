"""Staff, with a form to add somebody and one in each row."""

from collections.abc import Sequence
from typing import Any

from services.console.promises import catalogue
from services.console.promises.calendar_forms import ZONES
from services.console.public_api.directory_names import KnownDirectory
from services.console.registers import staff_hours
from services.console.registers.admin_lists import PEOPLE
from services.console.registers.register_page import Entry, RegisterPage
from services.console.service import Page


class PeoplePage(RegisterPage):
    """Members of staff, and the hours in which each is reached."""

    async def beside(self, page: Page, directory: KnownDirectory, _entries: Sequence[Entry]) -> dict[str, Any]:
        """Hours by the person's own word, the department's, the quiet hours' or the promise's."""
        titles = await catalogue.titles(page)
        quiet = (await page.desk.get("/v1/quiet-hours"))["staff"]
        return {
            "reached": lambda entry: staff_hours.reached(entry, directory, quiet, titles, page.words),
            "hours_filled": staff_hours.is_filled,
            "zones": ZONES,
        }


router = PeoplePage(PEOPLE).router()
