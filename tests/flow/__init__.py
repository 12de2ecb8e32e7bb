"""What time does to tickets. A package, so that its engine ends with its tests."""
