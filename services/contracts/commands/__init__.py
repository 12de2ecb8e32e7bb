"""The commands on a ticket: what the API takes (`...Body`, with texts) and what decides (without).

A command's body is stored in PostgreSQL; its workflow receives the decision alone, so histories hold no free text
(architecture.md, "The ticket workflow" 2).
"""
