"""Child processes: how they report, what they may take, and their certain end."""
