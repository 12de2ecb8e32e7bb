"""Messages that cross a process boundary, and the names both sides spell. Standard library and pydantic only."""
