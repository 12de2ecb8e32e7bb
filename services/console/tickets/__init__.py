"""One ticket and lists of tickets, as their pages show them."""
