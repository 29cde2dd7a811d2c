"""The child process that builds one export."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from customvision.training.child import Reports, run_child
from customvision.training.export.exporter import BACKBONE_FILE, MODEL_FILE, WEIGHTS_FILE, ZIP_FILE, ExportFormat
from customvision.training.export.keras_model import check_equal, drawn_pictures, keras_model, served_answers
from customvision.training.export.package import write_package
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact


def build(request: dict[str, Any], reports: Reports) -> None:
    """Writes the zip into ``request["folder"]``, after what is in it has answered like the served model."""
    folder = Path(request["folder"])
    model = ModelArtifact.from_bytes((folder / MODEL_FILE).read_bytes())
    backbone = BackboneArtifact.from_bytes((folder / BACKBONE_FILE).read_bytes())
    pictures = drawn_pictures(backbone.input_size)
    network = keras_model(model, folder / WEIGHTS_FILE)
    if ExportFormat(request["format"]) is ExportFormat.KERAS:
        entry = folder / "model.keras"
        network.save(entry)
        answers = keras.models.load_model(entry).predict(pictures.astype("float32"), verbose=0)
    else:
        entry = folder / "saved_model"
        network.export(str(entry), verbose=False)
        # Kept by name: the functions of a loaded model die with it.
        loaded = tf.saved_model.load(str(entry))
        answers = loaded.serve(pictures.astype("float32")).numpy()
    check_equal(answers, served_answers(model, backbone, pictures))
    write_package(folder / ZIP_FILE, entry, model, size=backbone.input_size)
    reports.send("built")


if __name__ == "__main__":
    run_child(build)
