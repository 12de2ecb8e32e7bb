"""Tests of pages. A package, so that its system ends with its tests."""
