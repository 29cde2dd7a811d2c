"""What a Python program imports to use the suite."""
