"""The texts of notices: built-in files, and what operations wrote in their place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.notice import NoticeKind
from services.notify.notices.rendering import Template, Written, write
from services.notify.notices.samples import sample
from services.notify.notices.tables import templates
from services.notify.notices.template_bounds import Unwritable
from services.notify.notices.vocabulary import Language
from services.runtime.errors import NotFound, ValidationFailed
from services.runtime.http.conditions import IfMatch, require_version
from services.runtime.postgres.database import Database
from services.runtime.postgres.versioned_copy import VersionedCopy

_FOLDER = Path(__file__).with_name("templates")
_PART = re.compile(r"{% include '(\w+)' %}\n")


@dataclass(frozen=True)
class StoredTemplate:
    """The text in use, and who wrote it; a built-in one was written by nobody."""

    template: Template
    updated_at: datetime | None = None
    updated_by: str | None = None


@cache
def built_in() -> Mapping[str, Template]:
    """Every kind in both languages, by id; a file is its subject, an empty line, and its text. What several say alike
    is a file of `parts`, and stands in their texts: operations edit whole ones."""
    found = {}
    for kind in NoticeKind:
        for language in Language:
            subject, _, text = _read(kind, language).partition("\n\n")
            template = Template(kind, language, 0, subject, text.rstrip("\n"))
            found[template.id] = template
    return found


def _read(name: str, language: Language) -> str:
    text = (_FOLDER / f"{name}.{language}.txt").read_text(encoding="utf-8")
    return _PART.sub(lambda part: _read(f"parts/{part[1]}", language), text)


def known(template_id: str) -> Template:
    """The built-in text of this id.

    Raises:
        NotFound: no notice is written like that.
    """
    found = built_in().get(template_id)
    if found is None:
        raise NotFound
    return found


async def stored(connection: AsyncConnection, template_id: str) -> StoredTemplate:
    """The text in use under an id.

    Raises:
        NotFound: no notice is written like that.
    """
    standard = known(template_id)
    latest = select(templates).where(templates.c.id == template_id).order_by(templates.c.version.desc()).limit(1)
    row = (await connection.execute(latest)).one_or_none()
    return StoredTemplate(standard) if row is None else _of(standard, row)


async def all_stored(connection: AsyncConnection) -> list[StoredTemplate]:
    """Every text in use, in the order of the kinds."""
    latest = select(templates).ext(distinct_on(templates.c.id)).order_by(templates.c.id, templates.c.version.desc())
    edited = {row.id: row for row in await connection.execute(latest)}
    return [
        _of(standard, edited[id_]) if id_ in edited else StoredTemplate(standard)
        for id_, standard in built_in().items()
    ]


def templates_copy(database: Database) -> VersionedCopy[Mapping[str, Template]]:
    """A copy of every text in use, by id; its version is how many were ever stored."""

    async def read() -> tuple[int, Mapping[str, Template]]:
        async with database.read() as connection:
            templates_in_use = [each.template for each in await all_stored(connection)]
        return sum(each.version for each in templates_in_use), {each.id: each for each in templates_in_use}

    return VersionedCopy(read)


async def put(
    connection: AsyncConnection, template: Template, *, by: str, zone: ZoneInfo, if_match: IfMatch | None
) -> StoredTemplate:
    """Store the next version of a text; `template.version` does not matter.

    Raises:
        ValidationFailed: it cannot be written with the sample facts of its kind; says in which line, and why.
        StaleVersion: `if_match` is not the version in use.
    """
    tried(template, zone)
    # Two writers of one text go one after the other; the later one meets the version of the first.
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(template.id, 0))))
    current = (await stored(connection, template.id)).template.version
    require_version(if_match, current)
    values = {
        "id": template.id,
        "version": current + 1,
        "subject": template.subject,
        "text": template.text,
        "updated_by": by,
    }
    row = (await connection.execute(insert(templates).values(values).returning(templates))).one()
    return _of(template, row)


def tried(template: Template, zone: ZoneInfo) -> Written:
    """Try a text with the sample facts of its kind.

    Raises:
        ValidationFailed: at the part that is wrong, with the line and the reason.
    """
    try:
        return write(template, sample(template.kind), zone)
    except Unwritable as error:
        place = f"/{error.part}"
        why = {"en": f"line {error.line}: {error.why['en']}", "zh": f"第 {error.line} 行：{error.why['zh']}"}
        raise ValidationFailed.at(place, "broken_template", why) from error


def _of(standard: Template, row: Row[tuple[object, ...]]) -> StoredTemplate:
    template = Template(standard.kind, standard.language, row.version, row.subject, row.text)
    return StoredTemplate(template, row.updated_at, row.updated_by)
