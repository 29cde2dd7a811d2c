"""What travels in JSON, noun by noun."""
