"""Webhooks by Standard Webhooks: what happens to tickets, told to the machines of others (api.md)."""
