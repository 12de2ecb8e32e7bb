"""Lists and cursors (api.md, "Rules for every endpoint")."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query

from services.runtime.errors import Refusal, ValidationFailed
from services.runtime.http.bodies import parse_json

MOST = 200
LimitQuery = Annotated[int, Query(ge=1, le=MOST, description="Most items to answer.")]
CursorQuery = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]


def page(items: Sequence[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """Shape one page of a list."""
    return {"items": list(items), "next_cursor": next_cursor}


def page_of(
    items: Sequence[dict[str, Any]], name: Callable[[dict[str, Any]], str], limit: int, cursor: str | None
) -> dict[str, Any]:
    """A page of a list that is short enough to be held whole; the cursor names the last item shown."""
    names = [name(item) for item in items]
    start = 0
    if cursor is not None:
        last = decode_cursor(cursor, str)[0]
        if last not in names:
            raise foreign_cursor()
        start = names.index(last) + 1
    shown = items[start : start + limit]
    more = start + limit < len(items)
    return page(shown, encode_cursor([names[start + limit - 1]]) if more else None)


def encode_cursor(position: Any) -> str:
    """Make the position after a page's last item opaque."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> Any:
    """Read a position back; None for the first page, 422 at `/cursor` for anything that `encode_cursor` did not write.

    Callers can forge cursors: give the `kinds` of a position's members (as a list) before one goes into a statement. A
    `datetime` was written in ISO format, and is read in UTC.
    """
    if cursor is None:
        return None
    try:
        position = parse_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, Refusal) as error:
        raise foreign_cursor() from error
    if not kinds:
        return position
    if not isinstance(position, list) or len(position) != len(kinds):
        raise foreign_cursor()
    return [_member(member, kind) for member, kind in zip(position, kinds, strict=True)]


def cursor_instant(text: str) -> datetime:
    """Read an instant of a position in UTC; 422 at `/cursor` for one that has no zone, or no place in UTC."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise foreign_cursor()
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise foreign_cursor() from error


def foreign_cursor() -> ValidationFailed:
    """The cursor is of another list, or of none."""
    words = {
        "en": "give the `next_cursor` of a page of this list, unchanged",
        "zh": "请原样填写本列表某一页的 `next_cursor`",
    }
    return ValidationFailed.at("/cursor", "invalid_cursor", words)


def _member(member: Any, kind: type) -> Any:
    if kind is datetime and isinstance(member, str):
        return cursor_instant(member)
    if type(member) is not kind:
        raise foreign_cursor()
    return member
