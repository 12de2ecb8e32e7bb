"""Notify: tells people, and integrators, what the journal says: notices, alerts, webhooks."""
