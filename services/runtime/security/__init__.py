"""Callers: who they are, their sessions, and what is kept secret."""
