"""Figures of what customers answered (product.md 9)."""
