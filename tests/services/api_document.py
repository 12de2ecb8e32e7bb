"""The API document as tests read it."""

from functools import cache
from typing import Any

from services.commands import openapi


@cache
def document() -> dict[str, Any]:
    """The document as every public role together serves it, not to be changed: to generate it takes a second."""
    return openapi.document()
