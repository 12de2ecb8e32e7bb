"""Tickets as their readers see them: rows, lists, counts, the customer's page."""
