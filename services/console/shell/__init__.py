"""The frame of every page: its routes, refusals, and questions in between."""
