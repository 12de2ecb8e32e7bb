"""What the environment decides for notify."""

from services.runtime.settings import RuntimeSettings


class NotifySettings(RuntimeSettings):
    """Settings of notify."""
