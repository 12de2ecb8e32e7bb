"""Submitters of notices that hear of the end of what they have submitted, instead of asking again and again."""

import asyncio

from services.contracts.names import survey_of
from services.contracts.notice import NoticeStanding
from services.runtime.errors import Refusal
from services.runtime.service_client import ServiceClient, segment
from services.runtime.telemetry import log

LONGEST_SECONDS = 1.0
"""Longest wait for a submitter: other notices wait for the same hand, and who is not told looks by themselves."""


class SurveySubmitter:
    """The survey service, which goes on from the delivery of its invitations."""

    def __init__(self, survey: ServiceClient) -> None:
        self._survey = survey

    async def hear(self, key: str, standing: NoticeStanding) -> None:
        """Tell the survey of an invitation how its notice has ended; what cannot be told now is not told."""
        survey_id = survey_of(key)
        if survey_id is None:
            return
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._survey.post(
                    f"/internal/surveys/{segment(survey_id)}/delivered", standing.model_dump(mode="json")
                )
        except (Refusal, TimeoutError):
            log().info("a survey was not told of its delivery; it looks by itself", survey=survey_id)
