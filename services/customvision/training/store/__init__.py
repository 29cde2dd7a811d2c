"""What the training service keeps: runs with their events, and exports, in one SQLite file."""
