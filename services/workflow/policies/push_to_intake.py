"""Telling intake what is promised from now on."""

from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient
from services.runtime.telemetry import log
from services.workflow.policies.catalogue import Catalogue


class Promising:
    """Tells intake at once whenever something else is in force."""

    def __init__(self, catalogue: Catalogue, intake: ServiceClient) -> None:
        self._catalogue = catalogue
        self._intake = intake

    async def tell_intake(self) -> None:
        """Send what is in force; an intake that does not answer asks again by itself."""
        promises = (await self._catalogue.in_force()).promises
        try:
            await self._intake.put("/internal/promises", promises.model_dump(mode="json"))
        except Refusal:
            log().warning("intake was not told of new promises")
