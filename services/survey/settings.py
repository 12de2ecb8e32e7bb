"""What the environment decides for survey."""

from services.runtime.settings import RuntimeSettings


class SurveySettings(RuntimeSettings):
    """Settings of survey."""
