"""Endpoints of notify: one module a router."""
