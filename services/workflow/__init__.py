"""The ticket's life: one Temporal workflow per ticket, and the API that drives and shows it."""
