"""What pages show. A package, so that its system ends with its tests."""
