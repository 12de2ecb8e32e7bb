"""A survey service on a fresh database, with the people of a service centre: `Desk`."""

from collections.abc import AsyncIterator

import pytest

from tests.services.survey.harness import Desk, a_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A desk whose surveys are the test's own."""
    async with a_desk(database_url) as desk:
        yield desk
