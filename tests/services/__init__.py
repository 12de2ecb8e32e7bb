"""What services answer. A package, so that its system ends with its tests."""
