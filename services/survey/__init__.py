"""Survey: asks customers how the service was, and reports what they answered."""
