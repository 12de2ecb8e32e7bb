"""Answers in JSON that pydantic's own writer makes: for lists and whole pages, where the library's shows."""

from typing import Any

from fastapi.responses import JSONResponse
from pydantic_core import to_json


class WrittenJson(JSONResponse):
    """Carries plain values: nothing is left out or put into another form."""

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return to_json(content)
