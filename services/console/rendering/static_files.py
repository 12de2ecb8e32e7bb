"""Files that browsers load: under an address that changes with their content, so that they are kept for good."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.contracts.names import Role
from services.runtime.errors import NotFound
from services.runtime.role_parts import service

_FOLDER = Path(__file__).parents[1] / "static"
_DIGITS = 12
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_KEPT_A_DAY = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
_ICON = "icon.svg"
_SERVED = frozenset({".css", ".js", ".svg", ".png", ".woff2"})

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class File:
    """One file in memory."""

    content: bytes
    media_type: str
    version: str


class Statics:
    """The files below `static/`, read once; those of npm packages lie in `static/vendor` after the set-up."""

    @cached_property
    def files(self) -> dict[str, File]:
        """Every file by its path."""
        found = (each for each in sorted(_FOLDER.rglob("*")) if each.suffix in _SERVED and each.is_file())
        return {each.relative_to(_FOLDER).as_posix(): _read(each) for each in found}

    @cached_property
    def version(self) -> str:
        """The version of all files together: another release draws other pages."""
        versions = "".join(file.version for file in self.files.values())
        return hashlib.sha256(versions.encode()).hexdigest()[:_DIGITS]

    def address(self, path: str) -> str:
        """The address at which browsers get a file; a file that is not there has an address that answers 404."""
        file = self.files.get(path)
        return f"/static/{file.version if file else 'missing'}/{path}"


@router.get("/static/{version}/{path:path}")
async def serve(version: str, path: str, request: Request) -> Response:
    """Answer a file; an address with another version is gone, so that no cache keeps the wrong content."""
    file: File | None = service(request, Role.CONSOLE).statics.files.get(path)
    if file is None or file.version != version:
        raise NotFound
    return Response(file.content, headers=_KEPT, media_type=file.media_type)


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    """Answer the icon where browsers look for one by themselves: for pages that name none, such as `/docs`."""
    file: File = service(request, Role.CONSOLE).statics.files[_ICON]
    return Response(file.content, headers=_KEPT_A_DAY, media_type=file.media_type)


def _read(path: Path) -> File:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(content, media_type, hashlib.sha256(content).hexdigest()[:_DIGITS])
