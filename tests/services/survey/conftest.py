"""A survey service on a fresh database, with the people of a service centre: `SurveyServiceHarness`."""

from collections.abc import AsyncIterator

import pytest

from tests.services.survey.harness import SurveyServiceHarness, running_survey_service


@pytest.fixture
async def harness(database_url: str) -> AsyncIterator[SurveyServiceHarness]:
    """A harness whose surveys are the test's own."""
    async with running_survey_service(database_url) as harness:
        yield harness
