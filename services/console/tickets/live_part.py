"""The moving part of the board, told apart from one that shows something else."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from services.console.service import Page

_DIGITS = 24


def fingerprint(page: Page, values: Mapping[str, Any]) -> str:
    """Tell by a tag what a reader sees of `values`. A countdown that goes on by itself is the same until its tone
    changes, and the time of the answer is in no fingerprint."""
    rows = [replace(row, clock=replace(row.clock, text="") if row.clock.ticks else row.clock) for row in values["rows"]]
    reader = [page.words.language, page.zone.key, sorted(page.reader.allowed)]
    shown = to_json([reader, page.console.statics.version, {**values, "rows": rows}])
    return hashlib.sha256(shown).hexdigest()[:_DIGITS]
