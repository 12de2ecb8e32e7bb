"""Endpoints of the directory: one module a router."""
