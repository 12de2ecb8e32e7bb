"""The feed of the journal as other services consume it."""
