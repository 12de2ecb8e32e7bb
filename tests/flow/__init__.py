"""Tests of time. A package, so that its engine ends with its tests."""
