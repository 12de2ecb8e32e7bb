"""The pages, one module each, every one with a `router`."""
