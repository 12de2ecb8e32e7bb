"""The page that explains the API: a list that the browser makes of `/openapi.json`."""

import hashlib
import re
from base64 import b64encode
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

_PAGE = Path(__file__).with_name("docs.html")


def reference() -> APIRouter:
    """Answer `/docs`. The page runs its own script and style alone, and asks nothing of anybody but this server."""
    router = APIRouter(include_in_schema=False)
    page = _PAGE.read_text(encoding="utf-8")
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {_hashes(page, 'script')}; style-src {_hashes(page, 'style')}; "
            "connect-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "same-origin",
    }

    @router.get("/docs", response_class=HTMLResponse)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    return router


def _hashes(page: str, tag: str) -> str:
    """The sources of a policy for what stands in the page between these tags."""
    written = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digests = (b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in written)
    return " ".join(f"'sha256-{each}'" for each in digests)
