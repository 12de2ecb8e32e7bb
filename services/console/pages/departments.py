"""Departments, and what is routed to each."""

from collections.abc import Sequence
from typing import Any

from services.console.forms.fields import FieldChoice
from services.console.promises import catalogue
from services.console.public_api.directory_names import KnownDirectory
from services.console.registers.admin_lists import DEPARTMENTS
from services.console.registers.register_page import Choices, Entry, RegisterPage
from services.console.service import Page


class DepartmentsPage(RegisterPage):
    """Departments, each with the calendar that it goes by."""

    async def choices(self, page: Page, directory: KnownDirectory, entries: Sequence[Entry]) -> Choices:
        """Calendars too: those published, and those that departments go by, which would be lost if they were
        missing."""
        reading = await catalogue.reading(page)
        published = [each for each in await page.desk.items("/v1/calendars") if each["published_version"]]
        titles = {each["id"]: reading.title(each) for each in published}
        named = {each["calendar"] for each in entries if each["calendar"]}
        calendars = [FieldChoice(id_, titles.get(id_, id_)) for id_ in sorted({*titles, *named})]
        return {**await super().choices(page, directory, entries), "calendars": calendars}

    async def beside(self, page: Page, _directory: KnownDirectory, _entries: Sequence[Entry]) -> dict[str, Any]:
        """Titles of the calendars."""
        return {"titles": await catalogue.titles(page)}


router = DepartmentsPage(DEPARTMENTS).router()
