"""Policies and calendars: stored, linted, in force."""
