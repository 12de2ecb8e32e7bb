"""Tests of services. A package, so that its system ends with its tests."""
