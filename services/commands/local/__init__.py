"""Parts that the commands of a local stack share."""
