"""The base of every message: frozen, closed to unknown fields, instants in UTC."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from services.contracts.lines import has_address, is_seen, one_line, visible


class Unreadable(ValueError):
    """A value that makes no sense; `says` tells what to write instead, by language; `code` is for errors that pages put
    into words of their own."""

    def __init__(self, *, zh: str, en: str, code: str | None = None) -> None:
        self.says = {"zh": zh, "en": en}
        self.code = code
        super().__init__(en)


def to_utc(instant: datetime) -> datetime:
    """Bring an aware instant to UTC.

    Raises:
        ValueError: in UTC it lies before year 1 or after year 9999.
    """
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise Unreadable(
            zh="时间须在 UTC 的 1 至 9999 年之间", en="an instant must lie in the years 1 to 9999 of UTC"
        ) from error


def _refuse_number(value: object) -> object:
    if isinstance(value, int | float):
        raise Unreadable(
            zh="请按 RFC 3339 填写带时区的时间：2026-11-20T06:30:00Z",
            en="write an instant as RFC 3339, with its offset: 2026-11-20T06:30:00Z",
        )
    return value


def format_instant(instant: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with `Z`; fractions only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_refuse_number),
    AfterValidator(to_utc),
    PlainSerializer(format_instant, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware datetime in UTC; JSON carries RFC 3339 with `Z`."""


def _as_one(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    """Read one of two forms, with one error at the field: a union's own errors point at types, which no body has."""
    try:
        return read(value)
    except ValidationError:
        raise Unreadable(
            zh="请填写日期，或带时区的时间：2026-11-20、2026-11-20T06:30:00Z",
            en="write a date, or an instant with its offset: 2026-11-20, 2026-11-20T06:30:00Z",
        ) from None


InstantOrDate = Annotated[Instant | date, Field(union_mode="left_to_right"), WrapValidator(_as_one)]
"""An instant, or a whole day of the business time zone."""


def _as_address(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    """Refuse in our own words: the library's reasons are English, and not made for people. It takes letters that are
    younger than this Python for unsafe ones; another letter stands in for them while it looks."""
    value = value.strip().translate(_HALF_WIDTH) if isinstance(value, str) else value
    young = _young_letters(value) if isinstance(value, str) and _STAND_IN not in value else []
    try:
        if not young:
            return read(value)
        first, *rest = read("".join(_STAND_IN if letter in young else letter for letter in str(value))).split(_STAND_IN)
        return first + "".join(letter + part for letter, part in zip(young, rest, strict=True))
    except ValueError:
        raise Unreadable(
            zh="不是有效的电子邮件地址；请填写如 name@example.com 的地址",
            en="not an e-mail address; write one such as name@example.com",
        ) from None


_HALF_WIDTH = {0xFEE0 + number: number for number in range(0x21, 0x7F)}
"""Letters and signs that keyboards of this country type at full width."""
_STAND_IN = "\U0002a6a5"


def _young_letters(text: str) -> list[str]:
    """The letters that this Python does not know yet; what will never be one is not among them."""
    return [letter for letter in text if unicodedata.category(letter) == "Cn" and one_line(letter)]


Email = Annotated[EmailStr, WrapValidator(_as_address)]


_LONGEST_FOLDED = 10_000
"""What is longer is left for its length to refuse, before anybody looks at each of its letters."""


def _folded(value: object) -> object:
    """One line of what is seen. What says nothing at all is left for the length to refuse."""
    if not isinstance(value, str) or len(value) > _LONGEST_FOLDED:
        return value
    line = one_line(value)
    if not line and value.strip():
        raise _unseen()
    return line


def _unseen() -> Unreadable:
    return Unreadable(
        zh="没有可见的字符，请填写文字", en="nothing in this can be seen; write it in letters", code="required"
    )


def _without_address(name: str) -> str:
    if has_address(name):
        raise Unreadable(
            zh="名称里不能有网址，请只填写名称",
            en="a name holds no web address; write the name alone",
            code="address_in_name",
        )
    return name


def _nothing_seen_is_nothing(value: object) -> object:
    """Nothing visible says nothing: what was stored like that is read as if it had been left out."""
    try:
        return _folded(value)
    except Unreadable:
        return None


Line = Annotated[str, BeforeValidator(lambda value: one_line(value) if isinstance(value, str) else value)]
"""A short text as it is shown: one line, whatever was stored."""

Titles = Mapping[str, Line]
"""A title by language."""

NothingIfUnseen = BeforeValidator(_nothing_seen_is_nothing)
"""For an optional short text: one line, or nothing."""

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_without_address),
    BeforeValidator(_folded),
]
"""A name that somebody gives: one visible line, and no web address."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
"""An identifier that people choose (department, tag, policy id): safe in URLs, histories and metrics."""

_WITHIN_WORDS = r"'\u2019\u00b7\u058a\u05be\u05f3\u05f4\u0f0b\u200c\u200d\u2010\u2027\u30a0\u30fb"
"""Signs of spelling that scripts set between the letters of a word (Unicode, annex 31)."""
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=rf"^\w[\w .:{_WITHIN_WORDS}-]{{0,63}}$"),
    BeforeValidator(_folded),
]
"""A tag, subcategory or reason code that operations choose, in their own script; short enough for histories."""


def _says_something(text: str) -> str:
    if not is_seen(text):
        raise _unseen()
    return text


Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), AfterValidator(_says_something)
]
"""Free text by a person. Never enters a workflow history, a log, an event body or a metric."""


def _without_unseen(value: object) -> object:
    return visible(value) if isinstance(value, str) and len(value) <= _LONGEST_FOLDED else value


Sought = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), BeforeValidator(_without_unseen)
]
"""What somebody looks for. What is copied from elsewhere often brings marks along that nobody sees."""


class Message(BaseModel):
    """A frozen message; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Nothing(Message):
    """A body that says nothing: `{}`, or an empty one."""


class Record(BaseModel):
    """A mutable record that one owner changes (the ticket's state inside its workflow).

    All records of a class share one set of the fields that were given, which says all of them: a set of its own took
    more memory than what a record says, and workers hold thousands of tickets.
    """

    model_config = ConfigDict(extra="forbid")

    def model_post_init(self, _: Any, /) -> None:
        """Give the set of its own away."""
        object.__setattr__(self, "__pydantic_fields_set__", _every_field(type(self)))


@cache
def _every_field(record: type[BaseModel]) -> set[str]:
    return set(record.model_fields)
