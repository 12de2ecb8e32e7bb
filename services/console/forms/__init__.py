"""Forms of every page: their fields, and what was typed into them."""
