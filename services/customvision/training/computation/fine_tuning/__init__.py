"""Fine-tuning the network itself, from the quick head on; only an advanced training loads Keras for it."""
