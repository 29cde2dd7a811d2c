"""What the training service keeps: runs and their events, in one SQLite file."""
