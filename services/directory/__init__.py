"""The directory: departments, staff and their roles, API keys, sign-in, and the record of who changed them."""
