"""The journal and what is written with it: registrations, records of steps, the feed."""
