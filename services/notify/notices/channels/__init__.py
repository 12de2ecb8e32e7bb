"""The ways a notice goes."""
