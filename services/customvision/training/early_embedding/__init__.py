"""Features of images computed when the images arrive, so that a training finds them."""
