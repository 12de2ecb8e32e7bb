"""What the commands of a local stack share."""
