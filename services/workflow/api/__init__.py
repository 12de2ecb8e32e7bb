"""Endpoints of the workflow service: one module a router."""
