"""Channels of PostgreSQL on which the service wakes itself."""

STARTER_CHANNEL = "workflow_start"
"""Woken on commit by whoever leaves a row without a workflow: `wake(connection, STARTER_CHANNEL)`."""
