"""The audit log: readings of contacts, links that were given away."""
