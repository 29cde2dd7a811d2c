"""What lies in the folder of an export: what the service fetches, and what the child process makes of it."""

MODEL_FILE, BACKBONE_FILE, WEIGHTS_FILE = "model.zip", "backbone.zip", "backbone.weights.h5"
# Images are numbered, in the order of their ids.
IMAGES_FOLDER, IMAGE_IDS_FILE = "images", "image_ids.json"
ZIP_FILE = "export.zip"
