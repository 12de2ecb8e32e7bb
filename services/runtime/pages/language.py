"""The language of a page: what its reader chose, else what is known of them, else what their browser asks for, else
the service's."""

from dataclasses import dataclass

from fastapi import Request, Response
from starlette.datastructures import URL

from services.runtime.language import stated_language
from services.wording import LANGUAGES, Language

COOKIE = "bihuan_language"
_PARAMETER = "lang"
_REMEMBERED_SECONDS = 365 * 24 * 3600


def page_language(request: Request, otherwise: str = "zh-CN", known: str | None = None) -> Language:
    """Choose by `?lang=`, then the cookie of an earlier choice, then the language that a reader is `known` to be
    addressed in, then `Accept-Language`, then `otherwise`."""
    for chosen in (_chosen(request), request.cookies.get(COOKIE), known):
        if chosen in LANGUAGES:
            return chosen
    stated = stated_language(request.headers.get("accept-language"))
    if stated is not None:
        return _page_language(stated)
    return _page_language(otherwise)


def remember_choice(request: Request, response: Response) -> None:
    """Keep what `?lang=` chose for the reader's next pages."""
    chosen = _chosen(request)
    if chosen not in LANGUAGES:
        return
    response.set_cookie(
        COOKIE,
        chosen,
        max_age=_REMEMBERED_SECONDS,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def choices(request: Request) -> list[tuple[Language, str]]:
    """Every language with the address of this page in it; the rest of the query stays."""
    return [(language, f"?{request.url.include_query_params(lang=language).query}") for language in LANGUAGES]


@dataclass(frozen=True)
class Other:
    """The language that a page is not in, and the address of the page in it."""

    language: Language
    address: str


def other_language(request: Request, language: Language) -> Other:
    """Lead to this page in the other language, its filters kept. What was answered to a form has no address of its
    own: it leads to the page that the form stood on."""
    other = next(each for each in LANGUAGES if each != language)
    is_answer = request.method not in {"GET", "HEAD"}
    url = _page_of_the_form(request) if is_answer else request.url
    query = url.include_query_params(lang=other).remove_query_params(["done", "told", "part"]).query
    # A path that begins with two slashes would be another site's.
    return Other(other, f"/{url.path.lstrip('/')}?{query}" if is_answer else f"?{query}")


def _page_of_the_form(request: Request) -> URL:
    referrer = URL(request.headers.get("referer", ""))
    return referrer if referrer.netloc and referrer.netloc == request.url.netloc else URL("/")


def _chosen(request: Request) -> Language | None:
    asked = request.query_params.get(_PARAMETER)
    return next((language for language in LANGUAGES if language == asked), None)


def _page_language(tag: str) -> Language:
    return "zh-CN" if tag.lower().startswith("zh") else "en"
