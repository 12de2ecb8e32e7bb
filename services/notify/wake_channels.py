"""Channels of PostgreSQL on which notify wakes itself: `wake(connection, CHANNEL)`."""

STARTER_CHANNEL = "notify_starter"
"""Woken by whoever leaves a row without a workflow: on commit by `wake`, or soon after it by a `CommitNotifier`."""
FIRST_TRIES_CHANNEL = "notify_first_tries"
"""Woken by whoever leaves a notice that nobody has tried yet: on commit by `wake`, or soon after it by a
`CommitNotifier`. The worker that follows the journal looks by itself."""
REMARKS_CHANNEL = "notify_remarks"
"""Woken on commit by whoever has something to say of an alert in its ticket's journal."""
