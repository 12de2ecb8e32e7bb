"""Settings of the console."""

from pydantic import Field, field_validator

from services.runtime.settings import RuntimeSettings


class ConsoleSettings(RuntimeSettings):
    """Settings of the console."""

    api_url: str = Field(
        default="",
        description="Base of the public API as the console reaches it; empty where its own process serves it.",
    )

    @field_validator("api_url")
    @classmethod
    def _drop_the_slash_at_its_end(cls, url: str) -> str:
        return url.rstrip("/")

    @property
    def is_api_own(self) -> bool:
        """Whether the console's own process serves the public API, so that no connection leads to it."""
        return not self.api_url

    @property
    def api_base(self) -> str:
        """Address of the public API."""
        return self.api_url or f"http://127.0.0.1:{self.port}"
