"""Notices: one thing told to one person, once (product.md 6)."""
