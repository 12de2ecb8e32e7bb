"""Endpoints of the survey service: one module a router."""
