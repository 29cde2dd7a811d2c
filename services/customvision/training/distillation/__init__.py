"""Trains a small backbone that sees in pictures what a larger one, its teacher, sees in them: `make backbone`."""
