"""Settings of every process (prefix `BIHUAN_`). docs/settings.md is made from these descriptions."""

from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound="RuntimeSettings")


class RuntimeSettings(BaseSettings):
    """Settings that every process has; a service's settings extend it."""

    model_config = SettingsConfigDict(env_prefix="BIHUAN_", env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: SecretStr = Field(
        default=SecretStr("postgresql://bihuan_app@127.0.0.1:5432/bihuan"), description="PostgreSQL, with credentials."
    )
    database_role: str | None = Field(
        default=None, description="Role that services take on after connecting; none keeps the one of the URL."
    )
    pool_size: int = Field(default=10, ge=1, le=200, description="Database connections of a process.")
    temporal_address: str = Field(default="127.0.0.1:7233", description="Address of the Temporal frontend.")
    temporal_namespace: str = Field(default="default", description="Temporal namespace.")
    engine_probe_seconds: float = Field(
        default=10.0, gt=0, description="How often a worker asks whether the engine is the one that it knows."
    )

    worker_mib: int = Field(
        default=600,
        ge=1,
        description="Memory (MiB) that a worker process may take: what else it needs leaves room to remember tickets, "
        "alerts and surveys between their steps; the others are replayed.",
    )

    host: str = Field(default="127.0.0.1", description="Address that the public port binds.")
    port: int = Field(default=8080, ge=0, le=65535, description="Public port of a web process.")
    port_shared: bool = Field(
        default=False,
        description="Lets other processes of the same user bind the public port too; the system spreads connections.",
    )
    internal_host: str = Field(default="127.0.0.1", description="Address that the internal port binds.")
    internal_port: int = Field(
        default=8081, ge=0, le=65535, description="Port of `/healthz`, `/readyz`, `/metrics` and `/internal/...`."
    )
    public_url: str = Field(default="http://127.0.0.1:8080", description="Base of the links that customers get.")
    organisation: str = Field(default="", description="Name of the service centre on the customers' pages.")
    help_line: str = Field(
        default="", description="How customers reach a person, as their pages show it: a phone number, an address."
    )
    intake_url: str = Field(default="http://127.0.0.1:8081", description="Internal base of intake.")
    tickets_url: str = Field(default="http://127.0.0.1:8081", description="Internal base of the workflow service.")
    directory_url: str = Field(default="http://127.0.0.1:8081", description="Internal base of the directory.")
    notify_url: str = Field(default="http://127.0.0.1:8081", description="Internal base of notify.")
    survey_url: str = Field(default="http://127.0.0.1:8081", description="Internal base of the survey service.")

    internal_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret that services show each other, and sign with what they give to the engine; "
        "empty refuses every internal call.",
    )
    signing_key_file: Path | None = Field(
        default=None, description="Private Ed25519 key (PEM); only where staff tokens are made."
    )
    verify_key_file: Path | None = Field(default=None, description="Public Ed25519 key (PEM) that checks staff tokens.")
    link_secret: SecretStr = Field(default=SecretStr(""), description="Secret of the customers' signed links.")
    token_lifetime_seconds: int = Field(default=3600, ge=60, le=86_400, description="Lifetime of a staff token.")
    session_outage_seconds: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="How long staff go on by what was known last while the directory does not answer; then 503.",
    )

    time_zone: str = Field(
        default="Asia/Shanghai", description="Business time zone (IANA): the date in ticket numbers."
    )
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body.")
    max_header_bytes: int = Field(default=32_768, ge=1024, description="Largest request head.")
    receive_seconds: float = Field(
        default=10.0, gt=0, description="Time a client has to send a head, and again a body."
    )
    max_connections: int = Field(default=1000, ge=1, description="Open connections of a public port.")
    max_requests: int = Field(default=250, ge=1, description="Requests in flight of a public port; more answer 503.")
    trusted_proxies: str = Field(
        default="", description="Addresses, separated by commas, whose `X-Forwarded-For` is believed."
    )
    rate_limit: str = Field(default="60000/minute", description="Requests of one caller to one process.")
    anonymous_rate_limit: str = Field(
        default="1200/minute", description="Requests of one client address without a valid sign-in, to one process."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("public_url", "intake_url", "tickets_url", "directory_url", "notify_url", "survey_url")
    @classmethod
    def _drop_the_last_slash(cls, url: str) -> str:
        return url.rstrip("/")


@cache
def load(cls: type[S]) -> S:
    """Read `cls` from the environment, once a process."""
    return cls()
