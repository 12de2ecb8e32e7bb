"""Problem documents (RFC 9457): every error of every endpoint, in the reader's language."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.runtime.errors import FieldError, Refusal, Words
from services.runtime.http.texts import MESSAGES
from services.runtime.language import Spoken, stated_language
from services.runtime.telemetry import request_id
from services.wording import Wording

MEDIA_TYPE = "application/problem+json"
Language = Spoken
_TYPE_PREFIX = "urn:bihuan:problem:"
_MOST_ERRORS = 100
_LONGEST_TOKEN = 100
_WORDING = Wording(Path(__file__).with_name("words.toml"))
_RENAMED = {"missing": "required", "extra_forbidden": "unknown_field"}


class ErrorItem(BaseModel):
    """One thing wrong with the input; `pointer` is a JSON pointer into the body, or `/` and a parameter's name."""

    pointer: str
    code: str
    message: str
    line: int | None = Field(default=None, description="From 1, in a body that was written by hand: policies, ladders.")


class Problem(BaseModel):
    """An error. `code` is stable; `title` and `detail` are for people, in the language of `Accept-Language`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    request_id: str = ""
    errors: list[ErrorItem] | None = Field(default=None, description="With `validation_failed`: what is wrong where.")
    allowed: list[str] | None = Field(default=None, description="With `illegal_transition`: what would be legal.")


def problem_response(refusal: Refusal, accept_language: str | None = None) -> JSONResponse:
    """Render a refusal for a reader of `accept_language`."""
    language = preferred_language(accept_language)
    words = _WORDING.speak(language)
    document = {
        **_told(refusal.extra, language),
        "type": _TYPE_PREFIX + refusal.code,
        "title": refusal.titles.get(language) or words.of("title", refusal.code),
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.details.get(language) or refusal.detail or words.of("detail", refusal.code, ""),
        "request_id": request_id.get(),
    }
    headers = {
        "Content-Language": "zh-CN" if language == "zh" else "en",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **refusal.headers,
    }
    return JSONResponse(document, status_code=refusal.status, headers=headers, media_type=MEDIA_TYPE)


def preferred_language(accept_language: str | None) -> Language:
    """Choose Chinese or English by the weights of `Accept-Language`; English when it says neither."""
    return stated_language(accept_language) or "en"


def field_errors(errors: Iterable[Mapping[str, Any]], accept_language: str | None = None) -> list[FieldError]:
    """Describe pydantic's errors by JSON pointer, without a word of the input."""
    language = preferred_language(accept_language)
    return [_field_error(error, language) for error, _ in zip(errors, range(_MOST_ERRORS), strict=False)]


def pointer(location: Iterable[int | str]) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + _token(part) for part in location)


def _told(extra: Mapping[str, Any], language: Language) -> Mapping[str, Any]:
    """Members that a refusal tells besides, each error in the reader's language where it knows its text in both."""
    if "errors" not in extra:
        return extra
    return {**extra, "errors": [{**each, "message": _said(each["message"], language)} for each in extra["errors"]]}


def _said(message: Words, language: Language) -> str:
    return message if isinstance(message, str) else message[language]


def _field_error(error: Mapping[str, Any], language: Language) -> FieldError:
    location = error["loc"]
    inside = location[1:] if location and location[0] in {"body", "query", "path", "header", "cookie"} else location
    context = error.get("ctx") or {}
    kind, said = _as_of_a_text(str(error["type"]), str(error["msg"]), context)
    template = MESSAGES.get(kind, "") if language == "zh" else ""
    message = template.format_map(_Context(context)) if template else said
    # A validator's own error may know its text in both languages, and what to call itself.
    own = context.get("error")
    message = getattr(own, "says", {}).get(language) or message
    code = getattr(own, "code", None) or _RENAMED.get(kind, kind)
    return {"pointer": pointer(inside), "code": code, "message": message}


def _as_of_a_text(kind: str, message: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Pydantic counts items of a secret text, where whoever chooses a password counts characters."""
    if kind not in {"too_short", "too_long"} or context.get("field_type") != "Value":
        return kind, message
    bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
    return f"string_{kind}", f"String should have {bound} characters"


class _Context(dict[str, Any]):
    """The values that a template names; lists that pydantic wrote in English are joined as Chinese does."""

    def __getitem__(self, key: str) -> Any:
        found = super().__getitem__(key)
        return found.replace(" or ", "、").replace(", ", "、") if isinstance(found, str) else found

    def __missing__(self, key: str) -> str:
        return ""


def _token(part: int | str) -> str:
    return str(part)[:_LONGEST_TOKEN].replace("~", "~0").replace("/", "~1")
