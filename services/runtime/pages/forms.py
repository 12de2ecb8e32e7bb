"""Forms: what was typed, read with bounds; and what is shown again when something is wrong with it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.exceptions import HTTPException

from services.runtime.errors import MalformedRequest, UnsupportedMediaType
from services.runtime.http.bodies import is_storable
from services.runtime.pages.origin import require_same_site

MOST_FIELDS = 100
_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_KEY = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)


@dataclass(frozen=True)
class Form:
    """The fields of a form, in the order in which they came."""

    fields: tuple[tuple[str, str], ...] = ()

    def one(self, name: str) -> str:
        """The last value of a field, without white space around it; empty when it was not sent."""
        return next((value.strip() for known, value in reversed(self.fields) if known == name), "")

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of a field."""
        return tuple(value for known, value in self.fields if known == name)

    def typed(self) -> dict[str, str]:
        """Everything, the last value of each, as it was typed: to show it again."""
        return dict(self.fields)


@dataclass(frozen=True)
class Filled:
    """A form as it is shown: values by field, and what is wrong with them. Macros of `fields.html` draw from it.

    `scope` tells the fields of several forms on one page apart.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    scope: str = ""

    def id(self, name: str) -> str:
        """The field's id on the page."""
        return f"{self.scope}-{name}" if self.scope else name

    def value(self, name: str) -> str:
        """The field's value."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """The field's fault; empty for none."""
        return self.errors.get(name, "")

    def is_first_error(self, name: str) -> bool:
        """Whether the page opens at this field."""
        return next(iter(self.errors), None) == name


async def read_form(request: Request, *, most_fields: int = MOST_FIELDS) -> Form:
    """Read the body as a form of our own page. Fields that nobody asked for are the reader's to ignore.

    Raises:
        Forbidden: another site sent it.
        UnsupportedMediaType: it is no form, or it holds a file.
        MalformedRequest: too many fields, or text that cannot be stored.
    """
    require_same_site(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        fields = _urlencoded(await request.body(), most_fields)
    elif kind == _MULTIPART:
        fields = await _multipart(request, most_fields)
    else:
        raise UnsupportedMediaType
    if not all(is_storable(text) for pair in fields for text in pair):
        raise MalformedRequest
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in fields))


def new_key() -> str:
    """A key for one form: whoever sends the same form twice sends the same key."""
    return secrets.token_urlsafe(18)


def require_key(form: Form, name: str = "key") -> str:
    """The key that the form was made with.

    Raises:
        MalformedRequest: it has none, or one that nobody here made.
    """
    key = form.one(name)
    if not _KEY.fullmatch(key):
        raise MalformedRequest
    return key


def _urlencoded(body: bytes, most_fields: int) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most_fields, separator="&"
        )
    except ValueError as error:
        raise MalformedRequest from error


async def _multipart(request: Request, most_fields: int) -> list[tuple[str, str]]:
    try:
        async with request.form(max_files=0, max_fields=most_fields) as form:
            pairs = form.multi_items()
    except HTTPException as error:
        raise MalformedRequest from error
    if not all(isinstance(value, str) for _, value in pairs):
        raise UnsupportedMediaType
    return [(name, str(value)) for name, value in pairs]
