"""The zip around an exported model: labels, a description of its preprocessing, a manifest."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path

from customvision.vision.artifacts import ModelArtifact

README = """# A Custom Vision model

`{entry}` answers which of the tags in `labels.txt` (one a line, in the order of the outputs) a picture shows.

## Input

`float32[n, {size}, {size}, 3]`, values from 0 to 255 (scaling happens inside the model). To prepare a picture:

1. Decode it and turn it upright by its EXIF orientation.
2. Convert it to RGB; put transparent parts on white.
3. Resize it to {size} x {size} with bilinear interpolation. The aspect ratio is not kept.

## Output

`float32[n, {count}]`: {meaning}

## Use

```python
{example}
```
"""
KERAS_EXAMPLE = """import keras, numpy
from PIL import Image, ImageOps

model = keras.models.load_model("model.keras")
labels = open("labels.txt", encoding="utf-8").read().splitlines()
picture = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB").resize(({size}, {size}), Image.BILINEAR)
probabilities = model.predict(numpy.asarray(picture, dtype="float32")[None])[0]
print(labels[probabilities.argmax()], probabilities.max())"""
SAVED_MODEL_EXAMPLE = """import numpy, tensorflow
from PIL import Image, ImageOps

model = tensorflow.saved_model.load("saved_model")
labels = open("labels.txt", encoding="utf-8").read().splitlines()
picture = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB").resize(({size}, {size}), Image.BILINEAR)
probabilities = model.serve(numpy.asarray(picture, dtype="float32")[None]).numpy()[0]
print(labels[probabilities.argmax()], probabilities.max())"""
MULTICLASS = "probabilities that sum to one; the largest is the answer."
MULTILABEL = "a probability for each tag on its own."


def write_package(target: Path, entry: Path, model: ModelArtifact, *, size: int) -> None:
    """Writes the zip ``target`` with ``entry``, a file or a folder, and what explains it."""
    example = SAVED_MODEL_EXAMPLE if entry.is_dir() else KERAS_EXAMPLE
    readme = README.format(
        entry=entry.name,
        size=size,
        count=len(model.labels),
        meaning=MULTILABEL if model.head.multilabel else MULTICLASS,
        example=example.format(size=size),
    )
    manifest = {
        "backbone_id": model.backbone_id,
        "preprocessing": model.preprocessing,
        "labels": [asdict(label) for label in model.labels],
        "multilabel": model.head.multilabel,
        "metrics": model.metrics,
        "versions": model.versions,
    }
    files = [entry] if entry.is_file() else sorted(file for file in entry.rglob("*") if file.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, str(file.relative_to(entry.parent)))
        archive.writestr("labels.txt", "".join(f"{_one_line(label.tag_name)}\n" for label in model.labels))
        archive.writestr("README.md", readme)
        archive.writestr("manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True))


def _one_line(name: str) -> str:
    return " ".join(name.splitlines())
