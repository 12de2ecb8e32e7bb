"""Endpoints of intake: one module a router."""
