"""Intake: feedback becomes a numbered registration; customers and their contacts live here and nowhere else."""
