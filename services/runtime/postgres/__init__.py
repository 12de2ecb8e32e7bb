"""PostgreSQL: pools, idempotency records, the order of commits, notifications."""
