"""A trained model as a file that other programs run, held against the served model before anyone gets it."""
