"""Promises, pure: working calendars, policies, and the arithmetic of clocks. No I/O but reading its own packs."""
