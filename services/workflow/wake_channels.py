"""Channels of PostgreSQL on which the service wakes itself."""

STARTER_CHANNEL = "workflow_start"
"""Woken by whoever leaves a row without a workflow: on commit by `wake`, or soon after it by a `CommitNotifier`."""
