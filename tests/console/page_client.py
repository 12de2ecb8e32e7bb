"""Somebody who reads pages and sends their forms, without scripts: what a browser sends, and what it shows."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.services.system import System, until

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""One for all: each client would load the certificates of every authority, and pages of tests are served without."""
_VOID = frozenset({"input", "meta", "link", "br", "img", "path", "rect"})


@dataclass
class HtmlForm:
    """A form with what stands in its fields, as sending it would send."""

    action: str
    method: str
    id: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, **typed: Any) -> dict[str, Any]:
        """The form's fields with these filled in; `__` in a name stands for a dot."""
        given = {name.replace("__", "."): value for name, value in typed.items()}
        sent: dict[str, Any] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        return {**sent, **given}


class Html(HTMLParser):
    """A page taken apart: its text, links, times and forms."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.forms: list[HtmlForm] = []
        self.links: list[tuple[str, str]] = []
        self.times: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[str] = []
        self._href: str | None = None
        self._select = ""
        self._area = ""
        self._hidden = 0
        self.feed(source)

    @property
    def text(self) -> str:
        """The text, with single spaces."""
        return re.sub(r"\s+", " ", " ".join(self._texts)).strip()

    def form(self, ending: str) -> HtmlForm:
        """The form whose action, less its fragment, ends so."""
        return next(form for form in self.forms if form.action.partition("#")[0].endswith(ending))

    def has_form(self, ending: str) -> bool:
        """Whether there is such a form."""
        return any(form.action.partition("#")[0].endswith(ending) for form in self.forms)

    def address(self, text: str) -> str:
        """The address of the link with this text."""
        return next(href for href, shown in self.links if text in shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in {"script", "style"}:
            self._hidden += 1
        if tag == "form":
            self.forms.append(HtmlForm(given.get("action") or "", given.get("method") or "get", given.get("id") or ""))
        if tag == "a":
            self._href = given.get("href") or ""
            self.links.append((self._href, ""))
        if tag == "time":
            self.times.append(given.get("datetime") or "")
        self._field(tag, given)

    def _field(self, tag: str, given: Mapping[str, str | None]) -> None:
        if not self.forms:
            return
        form, name, value = self.forms[-1], given.get("name") or "", given.get("value") or ""
        if tag == "select":
            self._select = name
        if tag == "textarea":
            self._area = name
            form.fields.append((name, ""))
        if tag == "option" and self._select:
            form.choices.setdefault(self._select, []).append(value)
            if "selected" in given:
                form.fields.append((self._select, value))
        if tag == "button" and name:
            form.buttons.append((name, value))
        if tag == "input" and name:
            self._input(form, name, value, given)

    @staticmethod
    def _input(form: HtmlForm, name: str, value: str, given: Mapping[str, str | None]) -> None:
        if given.get("type") in {"radio", "checkbox"}:
            form.choices.setdefault(name, []).append(value)
            if "checked" not in given:
                return
        form.fields.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._hidden -= 1
        if tag == "a":
            self._href = None
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self._texts.append(data)
        if self._href is not None:
            href, shown = self.links[-1]
            self.links[-1] = (href, shown + data)
        if self._area:
            name, value = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, value + data.removeprefix("\n"))


class PageClient:
    """One browser."""

    def __init__(self, url: str, token: str | None, headers: Mapping[str, str]) -> None:
        self.url = url
        self.http = httpx.AsyncClient(
            verify=_NO_TLS,
            base_url=url,
            trust_env=False,
            timeout=30,
            headers={"Accept-Language": "zh-CN,zh;q=0.9", **{k.replace("_", "-"): v for k, v in headers.items()}},
            cookies={"bihuan_session": token} if token else None,
        )

    async def get(self, address: str, *, status: int = 200, **params: Any) -> Html:
        """Open a page that must answer with this status."""
        answer = await self.http.get(address, params=params or None, follow_redirects=True)
        assert answer.status_code == status, f"{address}: {answer.status_code} {Html(answer.text).text[:400]}"
        return Html(answer.text)

    async def post(self, address: str, fields: Mapping[str, Any], **headers: str) -> httpx.Response:
        """Send a form as a browser does from the console's own page; follow nothing."""
        given = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", **headers}
        return await self.http.post(address.partition("#")[0], data=dict(fields), headers=given)

    async def answer(self, asked: httpx.Response) -> httpx.Response:
        """Say yes to the question that a form came to."""
        form = next(form for form in Html(asked.text).forms if form.id == "confirm")
        return await self.post(form.action, form.filled())

    async def send(self, form: HtmlForm, *, status: int = 200, **typed: Any) -> Html:
        """Fill in a form, send it, and read the page that comes of it."""
        answer = await self.post(form.action, form.filled(**typed))
        if answer.is_redirect:
            assert status == 200, f"led to {answer.headers['location']}"
            return await self.get(answer.headers["location"])
        assert answer.status_code == status, f"{form.action}: {answer.status_code} {Html(answer.text).text[:600]}"
        return Html(answer.text)


async def listed(system: System, ticket_no: str) -> None:
    """Wait until lists and searches show a ticket: they follow within 2 s (api.md)."""

    async def is_found() -> bool:
        answer = await system.call("POST", "/v1/tickets/search", {"q": ticket_no}, by="郑洁")
        return bool(answer.json()["items"])

    await until(is_found)


def path_in(response: httpx.Response) -> str:
    """The path to which an answer leads, without the host."""
    parts = urlsplit(response.headers["location"])
    return parts.path + (f"?{parts.query}" if parts.query else "")
