"""Puts survey together for a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.contracts.names import Role
from services.runtime.parts import Part
from services.runtime.settings import RuntimeSettings


@asynccontextmanager
async def assemble(_: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The HTTP part."""
    yield Part(name=Role.SURVEY)


@asynccontextmanager
async def assemble_worker(_: RuntimeSettings | None = None) -> AsyncIterator[Part]:
    """The worker part."""
    yield Part(name=Role.SURVEY_WORKER)
