"""Policies, calendars, ladders and their publication, as the pages about promises show them."""
