"""The ticket's life: the Temporal workflow and the pure steps, clocks and timers that it runs. No input or output."""
