"""Settings of the local stack."""

import os
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.runtime.stack.errors import StackError


class StackSettings(BaseSettings):
    """Settings of `make up`; it decides those of the processes that it starts."""

    model_config = SettingsConfigDict(env_prefix="BIHUAN_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path | None = Field(
        default=None,
        description="Folder of everything that the local stack keeps; "
        "by default `.bihuan` in the checkout, for root `/var/lib/bihuan-...`.",
    )
    host: str = Field(default="127.0.0.1", description="Address that the public port binds.")
    port: str = Field(default="8080", description="Public port; every other port is chosen free.")
    public_url: str | None = Field(
        default=None, description="Base of the links that customers get; by default host and port."
    )
    database_url: SecretStr | None = Field(
        default=None, description="An existing PostgreSQL, as an owner role, instead of the embedded one."
    )
    temporal_address: str | None = Field(
        default=None, description="An existing Temporal frontend instead of the embedded server."
    )
    temporal_namespace: str = Field(default="default", description="Temporal namespace.")
    workers: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="Workers of the local stack, and as many web processes; by default one for every two cores.",
    )
    demo: bool = Field(
        default=True, validation_alias="DEMO", description="`0` starts a new stack without demonstration tickets."
    )

    @property
    def of_each(self) -> int:
        """The number of workers, and of web processes."""
        return self.workers or workers_for(cores())


def workers_for(cores: int) -> int:
    """The number of workers, and of web processes, that these cores keep busy; each uses one."""
    return max(1, cores // 2)


def cores() -> int:
    """The cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def read() -> StackSettings:
    """Read the environment; one that makes no sense is one sentence."""
    try:
        return StackSettings()
    except ValidationError as error:
        raise StackError(one_sentence(error)) from None


def one_sentence(error: ValidationError) -> str:
    """Say which variable is wrong; its value stays out, it may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    return f"{name if name == 'DEMO' else f'BIHUAN_{name}'} makes no sense: {first['msg']}."
