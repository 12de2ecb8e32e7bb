"""One Temporal server with time skipping and one database for all flow tests."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from services.runtime.postgres.database import Database
from services.runtime.temporal.signatures import signed_converter
from services.workflow.journal.activities import TicketActivities
from services.workflow.policies.catalogue import Catalogue
from tests.engine import engine_that_skips_time
from tests.flow.ticket_harness import TicketHarness
from tests.flow.workers import Workers

SECRET = "between-services"
NEUTRAL_IDENTITY = "tests"
"""Recorded histories name no machine and no process."""


@pytest.fixture(scope="package")
async def env() -> AsyncIterator[WorkflowEnvironment]:
    """A real server on which each workflow's time can be moved."""
    options = {"data_converter": signed_converter(SECRET), "identity": NEUTRAL_IDENTITY}
    async with await engine_that_skips_time(**options) as started:
        yield started


@pytest.fixture(scope="package")
async def catalogue(shared_database: Database) -> Catalogue:
    """Policies and calendars, with the built-in pack."""
    catalogue = Catalogue(shared_database)
    await catalogue.seed()
    return catalogue


@pytest.fixture(scope="package")
async def workers(env: WorkflowEnvironment, shared_database: Database, catalogue: Catalogue) -> AsyncIterator[Workers]:
    """The worker of queue `tickets`."""
    workers = Workers(env.client, TicketActivities(shared_database, catalogue))
    await workers.start()
    yield workers
    await workers.stop()


@pytest.fixture
async def harness(
    env: WorkflowEnvironment, shared_database: Database, catalogue: Catalogue, workers: Workers
) -> AsyncIterator[TicketHarness]:
    """A harness without a policy yet. Whatever a test did, what it leaves behind must be true."""
    harness = TicketHarness(env, shared_database, catalogue, workers)
    yield harness
    for ticket in harness.tickets:
        await ticket.assert_truthful()
