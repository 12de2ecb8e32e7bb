"""Answers of customers, and the questionnaires that ask for them."""
