"""Lists that administrators keep: people, departments, shifts, keys and webhooks."""
