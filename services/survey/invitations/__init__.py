"""Invitations: from the journal to a row, and the workflow that carries each."""
