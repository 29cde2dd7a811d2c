"""A trained model as a file that other programs run: Keras' own format, or a TensorFlow SavedModel."""
