"""Shifts from now on, and the staff on duty at this moment."""

from collections.abc import Sequence
from typing import Any

from services.console.public_api.directory_names import KnownDirectory
from services.console.registers.admin_lists import ON_CALL
from services.console.registers.register_page import Entry, RegisterPage
from services.console.service import Page
from services.contracts.base import format_instant


class OnCallPage(RegisterPage):
    """Shifts that have not ended."""

    async def entries(self, page: Page) -> list[dict[str, Any]]:
        """The shifts, in the order of the API."""
        period: dict[str, str | int | list[str]] = {"from": format_instant(page.now), "limit": 200}
        return list((await page.desk.get(self.register.collection, **period))["items"])

    async def beside(self, page: Page, _directory: KnownDirectory, entries: Sequence[Entry]) -> dict[str, Any]:
        """Shifts that have begun."""
        now = format_instant(page.now)
        return {"on_duty": [each for each in entries if each["from_at"] <= now < each["to_at"]]}


router = OnCallPage(ON_CALL).router()
