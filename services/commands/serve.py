"""A process: the parts of its roles behind a public and an internal port, until SIGTERM."""

import asyncio
import gc
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from importlib import import_module
from typing import Annotated

import typer
import uvloop
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from services.commands.reference import reference
from services.contracts.names import Role
from services.runtime.garbage import Collector
from services.runtime.http.app import create_app
from services.runtime.http.internal import create_internal_app
from services.runtime.http.local_endpoints import answering_each_other
from services.runtime.http.server import PortTaken, Server, build_server
from services.runtime.pages.refusals import refusal_pages
from services.runtime.role_parts import Part, publish
from services.runtime.security.auth import Authenticator
from services.runtime.service_client import ServiceClient
from services.runtime.settings import RuntimeSettings, load
from services.runtime.stack.settings import one_sentence
from services.runtime.telemetry import configure_logs

ASSEMBLIES = {
    Role.INTAKE: ("services.intake", "IntakeSettings", "assemble"),
    Role.RELAY: ("services.intake", "IntakeSettings", "assemble_relay"),
    Role.TICKETS: ("services.workflow", "WorkflowSettings", "assemble"),
    Role.TICKETS_WORKER: ("services.workflow", "WorkflowSettings", "assemble_worker"),
    Role.DIRECTORY: ("services.directory", "DirectorySettings", "assemble"),
    Role.NOTIFY: ("services.notify", "NotifySettings", "assemble"),
    Role.NOTIFY_WORKER: ("services.notify", "NotifySettings", "assemble_worker"),
    Role.SURVEY: ("services.survey", "SurveySettings", "assemble"),
    Role.SURVEY_WORKER: ("services.survey", "SurveySettings", "assemble_worker"),
    Role.CONSOLE: ("services.console", "ConsoleSettings", "assemble"),
}
"""Service, its settings, its assembly; imported only where the role runs."""


def command(roles: Annotated[list[Role], typer.Argument(metavar="ROLE...")]) -> None:
    """Run roles in this process until SIGTERM; the word `serve` may be left out."""
    try:
        settings = load(RuntimeSettings)
        for role in roles:
            load(_settings_class(role))
    except ValidationError as error:
        sys.exit(one_sentence(error))
    configure_logs(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_serve(list(dict.fromkeys(roles)), settings))
        except PortTaken as error:
            sys.exit(str(error))
    # A Temporal client that outlives the interpreter's end aborts the process on CPython 3.11.
    gc.collect()


async def _serve(roles: Sequence[Role], settings: RuntimeSettings) -> None:
    async with AsyncExitStack() as stack:
        try:
            parts = [await stack.enter_async_context(assemble(role)) for role in roles]
        except ValueError as error:  # a setting that a role cannot do without
            sys.exit(str(error))
        directory = ServiceClient(settings.directory_url, settings.internal_secret.get_secret_value())
        stack.push_async_callback(directory.close)
        servers = []
        if any(part.routers for part in parts):
            authenticator = _authenticator(settings, directory)
            stack.push_async_callback(authenticator.close)
            app = public_app(parts, settings, authenticator)
            shared = settings.port_shared
            servers.append(
                build_server(app, host=settings.host, port=settings.port, settings=settings, port_shared=shared)
            )
        internal = create_internal_app(parts, settings)
        servers.append(
            build_server(internal, host=settings.internal_host, port=settings.internal_port, settings=settings)
        )
        stack.enter_context(answering_each_other(parts))
        collector = Collector()
        collector.begin()
        collecting = asyncio.create_task(collector.run())
        await _run(servers)
        collecting.cancel()


async def _run(servers: Sequence[Server]) -> None:
    """Run until a signal comes; the public server ends first, it may still ask the internal one."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(each.serve()) for each in servers]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for each, task in zip(servers, tasks, strict=True):
        each.should_exit = True
        await task


def assemble(role: Role) -> AbstractAsyncContextManager[Part]:
    """Call the role's assembly with its service's settings."""
    package, _, function = ASSEMBLIES[role]
    build = getattr(import_module(f"{package}.assembly"), function)
    opened: AbstractAsyncContextManager[Part] = build(load(_settings_class(role)))
    return opened


def _settings_class(role: Role) -> type[RuntimeSettings]:
    package, name, _ = ASSEMBLIES[role]
    found: type[RuntimeSettings] = getattr(import_module(f"{package}.settings"), name)
    return found


def public_app(parts: Sequence[Part], settings: RuntimeSettings, authenticator: Authenticator | None) -> FastAPI:
    """Build the public app of a process that runs `parts`."""
    routers = [router for part in parts for router in part.routers]
    webhooks = APIRouter(routes=[route for part in parts for router in part.webhooks for route in router.routes])
    app = create_app(
        "Bihuan",
        *routers,
        reference(),
        settings=settings,
        authenticator=authenticator,
        refuse=refusal_pages(settings, parts),
        webhooks=webhooks,
    )
    publish(app, parts)
    return app


def _authenticator(settings: RuntimeSettings, directory: ServiceClient) -> Authenticator:
    return Authenticator(
        verify_key_pem=settings.verify_key_file.read_bytes() if settings.verify_key_file else None,
        # What services show each other opens the internal port alone.
        internal_secret="",
        directory=directory,
        believed_seconds=settings.session_outage_seconds,
    )
