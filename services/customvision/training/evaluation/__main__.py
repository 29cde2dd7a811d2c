"""The child process that has a model answer to one test set."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from customvision.common.errors import InvalidArgument
from customvision.common.processors import available_cores
from customvision.training.children.child import Reports, run_child
from customvision.training.evaluation.measures import Probabilities
from customvision.training.evaluation.spool import spooled_file
from customvision.training.evaluation.user_test_sets import BACKBONE_FILE, MODEL_FILE, PROBABILITIES_FILE
from customvision.vision.artifacts import BackboneArtifact, ModelArtifact
from customvision.vision.decoding import decode_for_backbone
from customvision.vision.trunk import Trunk

# Decoding one photo fills the gaps that another leaves in the backbone's stream.
THREADS_PER_CORE = 2
IMAGES_PER_REPORT = 100


def answer(request: dict[str, Any], reports: Reports) -> None:
    """Writes float32[images, tags] probabilities into ``request["folder"]``; rows of unreadable images are NaN."""
    folder = Path(request["folder"])
    model = ModelArtifact.from_bytes((folder / MODEL_FILE).read_bytes())
    backbone = BackboneArtifact.from_bytes((folder / BACKBONE_FILE).read_bytes())
    trunk = Trunk.load(*backbone.write_model(folder))

    def probabilities_of(number: int) -> Probabilities:
        try:
            pixels = decode_for_backbone(spooled_file(folder, number).read_bytes(), backbone.input_size)
        except InvalidArgument:
            return np.full(len(model.labels), np.nan, np.float32)
        return model.head.probabilities(trunk.embed(pixels)).astype(np.float32)

    answers = []
    with ThreadPoolExecutor(THREADS_PER_CORE * available_cores()) as pool:
        for done, probabilities in enumerate(pool.map(probabilities_of, range(request["image_count"])), start=1):
            answers.append(probabilities)
            if done % IMAGES_PER_REPORT == 0:
                reports.send("progress", done=done)
    np.save(folder / PROBABILITIES_FILE, np.stack(answers))


if __name__ == "__main__":
    run_child(answer)
