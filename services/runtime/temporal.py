"""The door to the Temporal server: one way to connect, one way to run a worker."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import GrpcCompression
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from services.runtime.engine_metrics import measured_runtime

GRACE = timedelta(seconds=20)
RPC_LIMIT = timedelta(seconds=5)


async def connect(address: str, namespace: str = "default", *, lazy: bool = False) -> Client:
    """Connect with the data converter that every process shares; `lazy` connects at the first call.

    No compression: on loopback it costs more than it saves.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=pydantic_data_converter,
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
        runtime=measured_runtime(),
    )


async def engine_identity(client: Client) -> str:
    """Answer the id of the engine's store: it changes when the store was deleted, and every workflow must start again.

    Raises:
        RPCError: the engine does not answer.
    """
    request = DescribeNamespaceRequest(namespace=client.namespace)
    answer = await client.workflow_service.describe_namespace(request, timeout=RPC_LIMIT)
    return answer.namespace_info.id


def worker(
    client: Client,
    task_queue: str,
    *,
    workflows: Sequence[type],
    activities: Sequence[Callable[..., Any]],
    passthrough: Sequence[str] = (),
    **options: Any,
) -> Worker:
    """Build a worker that lets running work finish on SIGTERM; the SDK's default grants none of it time.

    `passthrough` names the modules that the sandbox shares instead of loading them per workflow run.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=workflows,
        activities=activities,
        graceful_shutdown_timeout=GRACE,
        # Workers are unversioned. Without an id the SDK hashes the code of every loaded module, which holds up the
        # start by more than half a second of computing.
        build_id="unversioned",
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*passthrough)
        ),
        **options,
    )
