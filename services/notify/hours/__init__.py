"""Hours in which people are reached: quiet hours of notices, hours of those whom alerts tell."""
