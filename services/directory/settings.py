"""Settings of the directory."""

from limits import parse
from pydantic import Field, field_validator

from services.runtime.settings import RuntimeSettings


class DirectorySettings(RuntimeSettings):
    """Settings of the directory."""

    sign_in_limit: str = Field(
        default="10/5minutes", description="Failed sign-ins of one user name from one client address."
    )
    sign_in_parallel: int = Field(
        default=2, ge=1, le=64, description="Passwords checked at one time; each check takes 64 MiB while it lasts."
    )

    on_call_fallback: str | None = Field(
        default=None,
        description="Id or user name of who is told of alerts while nobody is on duty; none tells the supervisors.",
    )

    @field_validator("sign_in_limit")
    @classmethod
    def _is_a_limit(cls, limit: str) -> str:
        parse(limit)
        return limit
