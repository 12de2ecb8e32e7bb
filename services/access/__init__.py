"""Access: what callers may do, which rows they reach, and who works here. The services ask it, and nothing else does.

`contracts.permissions` is the table; this room applies it to endpoints and to SQL.
"""
