"""The frozen network that features come from: where its weights are, and making it ready to run, once."""
