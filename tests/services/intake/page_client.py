"""韩梅梅 at the public pages: a browser without JavaScript that fills in the forms it is shown."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import httpx

HTML = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "zh-CN",
    "Sec-Fetch-Site": "same-origin",
}
REPORT = {
    "kind": "fault",
    "description": "冰箱不制冷",
    "serial_no": "SER20230915002",
    "model": "BCD-500",
    "name": "韩梅梅",
    "contact": "138 0013 8000",
}


class CustomerPageClient:
    """Opens pages and sends their forms, with the hidden fields as they stand in them."""

    def __init__(self, http: httpx.AsyncClient, **headers: str) -> None:
        self._http = http
        self._headers = {**HTML, **{name.replace("_", "-"): value for name, value in headers.items()}}

    async def open(self, path: str, **headers: str) -> httpx.Response:
        """GET a page."""
        return await self._http.get(path, headers=self._headers | headers)

    async def send(self, path: str, fields: dict[str, Any], **headers: str) -> httpx.Response:
        """POST a form."""
        return await self._http.post(path, data=fields, headers=self._headers | headers)

    async def fill(self, page: httpx.Response, action: str, **typed: str) -> dict[str, str]:
        """The fields of the form that leads to `action`, with what is typed into them."""
        return {**hidden_fields(page.text, action), **typed}

    async def report(self, **typed: str) -> str:
        """Report something on the form; answers the address of the ticket's page."""
        page = await self.open("/f")
        answer = await self.send("/f", await self.fill(page, "/f", **{**REPORT, **typed}))
        assert answer.status_code == 303, answer.text
        return urljoin("/f", answer.headers["Location"]).partition("?")[0]

    async def do(self, address: str, action: str, **typed: str) -> httpx.Response:
        """Fill in one form of a ticket's page and send it; answers what follows the redirect, or the refusal."""
        page = await self.open(address)
        answer = await self.send(f"{address}/{action}", await self.fill(page, f"{address}/{action}", **typed))
        if answer.status_code != 303:
            return answer
        return await self.open(answer.headers["Location"])


def hidden_fields(html: str, action: str) -> dict[str, str]:
    """Hidden fields of the form that leads to `action`; fails when the page has no such form."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    assert found, f"no form that leads to {action}"
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', found[0])
    return {name: unescape(value) for name, value in pairs}


def actions(html: str, address: str) -> set[str]:
    """The last parts of the addresses that the page's forms lead to."""
    return set(re.findall(rf'action="{re.escape(address)}/(\w+)"', html))


def number_in(address: str) -> str:
    """The ticket number that a page's address begins with."""
    return address.removeprefix("/t/").partition(".")[0]


def text_of(html: str) -> str:
    """The text that a reader reads, without tags."""
    body = html.partition("</style>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
