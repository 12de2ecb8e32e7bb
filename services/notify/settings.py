"""Settings of notify."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import EmailStr, Field, SecretStr, field_validator

from services.contracts.lines import one_line
from services.notify.networks import parse_networks
from services.runtime.settings import RuntimeSettings

NAMELESS_CENTRE = "售后服务中心 Service Centre"
"""Who notices come from where nobody said it."""


class SmtpSecurity(StrEnum):
    """Protection of the connection to the mail server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class NotifySettings(RuntimeSettings):
    """Settings of notify and its worker."""

    smtp_host: str | None = Field(
        default=None, description="Mail server for notices; none keeps every notice in the console's inbox."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: SmtpSecurity = Field(
        default=SmtpSecurity.STARTTLS, description="`none`, `starttls` or `tls` from the first byte."
    )
    smtp_username: str | None = Field(default=None, description="User at the mail server; none signs in nowhere.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password at the mail server.")
    smtp_from: EmailStr = Field(default="service@bihuan.example", description="Address that notices come from.")
    smtp_from_name: str = Field(
        default="", max_length=200, description="Name that notices come from; none takes that of the service centre."
    )
    smtp_reply_to: EmailStr | None = Field(default=None, description="Address for answers to notices.")
    smtp_seconds: float = Field(default=8.0, gt=0, le=60, description="Longest wait for the mail server.")

    notice_retry_first: timedelta = Field(
        default=timedelta(seconds=2), gt=timedelta(0), description="Pause before a notice is tried again; it doubles."
    )
    notice_retry_longest: timedelta = Field(
        default=timedelta(minutes=15), gt=timedelta(0), description="Longest pause between two tries of a notice."
    )
    notice_give_up_after: timedelta = Field(
        default=timedelta(days=1), gt=timedelta(0), description="After this long a notice has failed."
    )
    notice_stale_after: timedelta = Field(
        default=timedelta(days=7),
        gt=timedelta(0),
        description="What happened longer ago is not told any more, only listed.",
    )
    webhook_networks: str = Field(
        default="",
        description="Networks (CIDR), separated by commas, whose private addresses webhooks may reach; others may not.",
    )
    webhook_seconds: float = Field(default=15.0, gt=0, le=25, description="Longest wait for a webhook's receiver.")
    webhook_parallel: int = Field(
        default=8, ge=1, le=100, description="Requests to one webhook's receiver at once, each of another ticket."
    )
    webhook_retry_first: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        description="Pause before a delivery is tried again; the next ones grow fourfold.",
    )
    webhook_retry_longest: timedelta = Field(
        default=timedelta(hours=6),
        gt=timedelta(0),
        description="Longest pause between two tries of a delivery, also where a receiver asks for a longer one.",
    )
    webhook_give_up_after: timedelta = Field(
        default=timedelta(days=3), gt=timedelta(0), description="After failing this long a delivery is exhausted."
    )
    webhook_secret_overlap: timedelta = Field(
        default=timedelta(days=1),
        ge=timedelta(0),
        description="How long the secret before a rotation signs along with the new one.",
    )
    webhook_log_kept: timedelta = Field(
        default=timedelta(days=30), ge=timedelta(days=1), description="How long ended deliveries stay listed."
    )
    ladders_file: Path | None = Field(
        default=None, description="Ladders that alerts climb (YAML); none takes the built-in ones."
    )
    alert_streams: int = Field(
        default=200, ge=1, description="Streams of alerts that a process keeps open; more answer 503."
    )
    alert_workflows_per_second: int = Field(
        default=5,
        ge=1,
        description="Workflows of alerts that are started in a second where there are many: whoever is told first has "
        "been told by then, and the next step is minutes away.",
    )
    notify_slots: int = Field(
        default=4,
        ge=1,
        description="Activities that a notify worker runs at once; with many, a burst of alerts crowds out the timers "
        "of the tickets on the same cores.",
    )
    feed_batch: int = Field(default=100, ge=1, le=200, description="Events that a consumer of the feed reads at once.")

    @property
    def sender_name(self) -> str:
        """The sender of notices, as their readers see it."""
        return one_line(self.smtp_from_name or self.organisation) or NAMELESS_CENTRE

    @field_validator("webhook_networks")
    @classmethod
    def _can_be_read(cls, networks: str) -> str:
        parse_networks(networks)
        return networks
