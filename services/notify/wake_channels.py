"""Channels of PostgreSQL on which notify wakes itself: `wake(connection, CHANNEL)`."""

STARTER_CHANNEL = "notify_starter"
"""Woken on commit by whoever leaves a row without a workflow."""
FIRST_TRIES_CHANNEL = "notify_first_tries"
"""Woken on commit by whoever leaves a notice that nobody has tried yet."""
REMARKS_CHANNEL = "notify_remarks"
"""Woken on commit by whoever has something to say of an alert in its ticket's journal."""
