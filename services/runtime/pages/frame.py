"""Answering with a page: templates, the frame around them, and the headers that keep it to itself."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from services.runtime.pages import times
from services.runtime.pages.language import choices, page_language, remember_choice
from services.runtime.pages.template_environment import template_environment
from services.runtime.pages.wording import FRAME
from services.runtime.settings import RuntimeSettings
from services.wording import Wording, Words

_OWN = Path(__file__).with_name("templates")
STYLE = (_OWN / "public.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Addresses of these pages are secrets of one reader: nobody else is told them, and nothing keeps a copy."""


class Pages:
    """The pages of one service."""

    def __init__(self, folder: Path | None, wording: Wording, settings: RuntimeSettings) -> None:
        """`folder` holds the service's own templates; None for those of the frame alone."""
        self._templates = template_environment(*filter(None, (folder, _OWN)))
        self._wording = FRAME.beneath(wording)
        self._zone = ZoneInfo(settings.time_zone)
        self._house = {"organisation": settings.organisation, "help_line": settings.help_line}

    def answer(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        otherwise: str = "zh-CN",
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """Render a template in the reader's language; `otherwise` is that of a reader who states none.

        Besides `values` a template has `t(key, ...)`, `language`, `when(instant)` and `on(date)`, `organisation` and
        `help_line`.
        """
        language, now = page_language(request, otherwise), datetime.now(UTC)
        content = self._templates.get_template(template).render(
            t=self._wording.speak(language),
            language=language,
            languages=choices(request) if request.method in {"GET", "HEAD"} else (),
            style=Markup(STYLE),  # noqa: S704 - our own file
            when=lambda at: times.moment(at, self._zone, language, now),
            on=lambda when: times.day(when, language),
            offset=times.offset(self._zone, now),
            **self._house,
            **values,
        )
        response = HTMLResponse(content, status, {**HEADERS, "Content-Language": language, **(headers or {})})
        remember_choice(request, response)
        return response

    def words(self, request: Request, otherwise: str = "zh-CN") -> Words:
        """The texts in the reader's language, for words that are chosen outside of templates."""
        return self._wording.speak(page_language(request, otherwise))


def page_router() -> APIRouter:
    """A router whose endpoints answer with pages, refusals included; it is not part of the documented API."""
    return APIRouter(default_response_class=HTMLResponse, include_in_schema=False)


def see_other(path: str) -> RedirectResponse:
    """Send the reader on after a POST, so that reloading repeats nothing."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
