"""Plumbing without a word of the business: settings, database, HTTP, sign-in checks, peers, telemetry."""
