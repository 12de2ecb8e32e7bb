"""The console: pages for staff, built on the public API alone."""
