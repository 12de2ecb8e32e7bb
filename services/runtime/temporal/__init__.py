"""Temporal: clients, workers, the start of workflows, the signatures of payloads."""
