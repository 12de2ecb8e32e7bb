"""Surveys as lists and reports read them."""
