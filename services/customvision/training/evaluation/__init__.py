"""How well a model does: figures, calibration, results per image, comparison, and a test set of the user's own."""
