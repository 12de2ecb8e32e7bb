"""Settings of the survey service."""

from datetime import timedelta

from pydantic import Field

from services.runtime.settings import RuntimeSettings


class SurveySettings(RuntimeSettings):
    """Settings of survey and its worker."""

    survey_cooldown: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        description="How long a customer who was asked about one ticket is not asked about another; 0 asks always.",
    )
    survey_edit_window: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(0),
        description="How long customers may change an answer; then it is final.",
    )
    low_rating_call_within: timedelta = Field(
        default=timedelta(hours=24), gt=timedelta(0), description="When a supervisor's call after a low rating is due."
    )
    survey_slots: int = Field(default=20, ge=1, description="Activities that a survey worker runs at once.")
    feed_batch: int = Field(default=100, ge=1, le=200, description="Events that a consumer of the feed reads at once.")
