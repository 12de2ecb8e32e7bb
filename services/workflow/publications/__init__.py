"""Publications of policies and calendars: tried beforehand, then carried out on every open ticket."""
