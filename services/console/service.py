"""The page of one request: the API, the templates and the reader that every endpoint works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, Response

from services.console import session
from services.console.public_api.client import Api, ApiProblem, Desk
from services.console.public_api.closed_hours import KnownOpenings
from services.console.public_api.directory_names import Names
from services.console.public_api.opening_hours import OpeningHours
from services.console.rendering import navigation
from services.console.rendering.present import Present, now
from services.console.rendering.static_files import Statics
from services.console.rendering.template_engine import Templates
from services.console.searches import Searches
from services.console.session import Readers, SignInFirst, Staff
from services.console.settings import ConsoleSettings
from services.console.wording import WORDING
from services.contracts.names import Role
from services.contracts.permissions import Action
from services.runtime.errors import Refusal
from services.runtime.pages.language import other_language, page_language, remember_choice
from services.runtime.role_parts import service
from services.runtime.security.auth import SESSION_COOKIE
from services.runtime.telemetry import request_id
from services.wording import Words

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie, Accept-Language",
}


@dataclass(frozen=True)
class Console:
    """One per process."""

    settings: ConsoleSettings
    api: Api
    searches: Searches
    readers: Readers = field(default_factory=Readers)
    names: Names = field(default_factory=Names)
    calendars: OpeningHours = field(default_factory=OpeningHours)
    openings: KnownOpenings = field(default_factory=KnownOpenings)
    statics: Statics = field(default_factory=Statics)
    templates: Templates = field(default_factory=Templates)


@dataclass(frozen=True)
class Page:
    """One request of one reader; `staff` is None before the sign-in."""

    console: Console
    request: Request
    words: Words
    zone: ZoneInfo
    now: datetime
    staff: Staff | None = None

    @property
    def desk(self) -> Desk:
        """The API as this reader is answered."""
        client = self.request.client
        token = self.request.cookies.get(SESSION_COOKIE, "") if self.staff else ""
        sees = self.staff.department if self.staff and Action.WRITE_DIRECTORY not in self.staff.allowed else None
        app = self.request.app
        return Desk(self.console.api, app, token, self.words.language, client.host if client else "", sees)

    @property
    def reader(self) -> Staff:
        """The person signed in; pages that take `PageDep` always have one."""
        if self.staff is None:
            raise SignInFirst
        return self.staff

    def present(self, open_now: Mapping[str, bool] | None = None) -> Present:
        """Times and clocks for this reader."""
        return Present(self.words, self.zone, self.now, open_now)

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Make the page. Every template gets `words`, `t`, `present`, `staff` and what the layout needs."""
        shared = {
            "page": self,
            "words": self.words,
            "t": self.words.text,
            "word": self.words.of,
            "present": self.present(),
            "staff": self.staff,
            "entries": navigation.entries_for(self.staff.allowed) if self.staff else [],
            "static": self.console.statics.address,
            "path": self.request.url.path,
            "request_id": request_id.get(),
            "other": other_language(self.request, self.words.language),
        }
        content = self.console.templates.render(template, {**shared, **values})
        response = HTMLResponse(content, status_code=status, headers=dict(HEADERS))
        remember_choice(self.request, response)
        return response


def page_of(request: Request) -> Page:
    """A page that needs no sign-in."""
    console: Console = service(request, Role.CONSOLE)
    return Page(
        console=console,
        request=request,
        words=WORDING.speak(page_language(request)),
        zone=session.zone_of(request, console.settings.time_zone),
        now=now(),
    )


async def signed_in(request: Request) -> Page:
    """A page for staff; raise `SignInFirst`, which leads to the sign-in and back."""
    page = page_of(request)
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        raise SignInFirst
    staff = await page.console.readers.who(replace(page.desk, token=token), request.app.state.authenticator)
    return replace(page, words=WORDING.speak(page_language(request, known=staff.language)), staff=staff)


async def page_of_anybody(request: Request) -> Page:
    """A page for whoever looks, with what they may open where that can be told."""
    try:
        return await signed_in(request)
    except (SignInFirst, ApiProblem, Refusal):
        return page_of(request)


PageDep = Annotated[Page, Depends(signed_in)]
AnybodyDep = Annotated[Page, Depends(page_of)]
