"""Customers: their records, their contacts, and how they are found."""
