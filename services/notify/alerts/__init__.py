"""Alerts: what somebody must answer for, told up a ladder until somebody does (semantics.md 21 to 24)."""
