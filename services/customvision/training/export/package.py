"""The zip around an exported model: labels, a description of its preprocessing, a manifest, the parity report."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from customvision.training.export.examples import USAGES, Usage
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.makings import Makings
from customvision.training.export.parity import Parity
from customvision.training.export.tensor_names import INPUT, OUTPUT

README = """# A Custom Vision model

`{entry}` is {title}. It answers which of the tags in `labels.txt` (one a line, in the order of the outputs) a picture
shows.

## Input

`{input}`: `{dtype}[{batch}, {size}, {size}, 3]`, red, green and blue, values from 0 to 255; scaling happens inside the
model. To prepare a picture as the service does:

1. Decode it. A JPEG may be decoded at half, a quarter or an eighth of its size, as long as no side gets below {twice}
   pixels; another picture of more than 16 million pixels is reduced by a whole factor, down to {twice} pixels at least.
2. Turn it upright by its EXIF orientation.
3. Convert it to RGB; put transparent parts on white.
4. Resize it to {size} x {size} with bilinear interpolation. The aspect ratio is not kept.

Other decoders and other ways to resize give slightly different pixels, and so slightly different probabilities.

## Output

`{output}`: `float32[{batch}, {count}]`, {meaning}{negative}

## Use

`pip install {packages}`, then, beside this file:

```python
{example}
```

## Agreement with the service

{parity} The whole report is in `parity.json`.
"""
MULTICLASS = "probabilities that sum to one; the largest is the answer."
MULTILABEL = "a probability for each tag on its own."
NEGATIVE = " The tag `{name}` stands for pictures that show none of the others."


def write_package(target: Path, entry: Path, makings: Makings, export_format: ExportFormat, parity: Parity) -> None:
    """Writes the zip ``target`` with ``entry``, a file or a folder, and what explains it."""
    labels = [_one_line(label.tag_name) for label in makings.model.labels]
    files = [entry] if entry.is_file() else sorted(file for file in entry.rglob("*") if file.is_file())
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(file, str(file.relative_to(entry.parent)))
        archive.writestr("labels.txt", "".join(f"{label}\n" for label in labels))
        archive.writestr("README.md", _readme(makings, USAGES[export_format], parity))
        archive.writestr("manifest.json", _json(_manifest(makings, export_format)))
        archive.writestr("parity.json", _json(parity.record()))


def _readme(makings: Makings, usage: Usage, parity: Parity) -> str:
    size = makings.backbone.input_size
    negative = next((label for label in makings.model.labels if label.negative), None)
    return README.format(
        entry=usage.entry,
        title=usage.title,
        input=INPUT,
        output=OUTPUT,
        dtype=usage.dtype,
        batch=usage.batch,
        size=size,
        twice=2 * size,
        count=len(makings.model.labels),
        meaning=MULTILABEL if makings.model.head.multilabel else MULTICLASS,
        negative=NEGATIVE.format(name=_one_line(negative.tag_name)) if negative else "",
        packages=usage.packages,
        example=usage.example(size),
        parity=parity.sentence(),
    )


def _manifest(makings: Makings, export_format: ExportFormat) -> dict[str, Any]:
    model, usage = makings.model, USAGES[export_format]
    size = makings.backbone.input_size
    return {
        "format": export_format.value,
        "entry": usage.entry,
        "input": {"name": INPUT, "dtype": usage.dtype, "shape": [usage.batch, size, size, 3]},
        "output": {"name": OUTPUT, "dtype": "float32", "shape": [usage.batch, len(model.labels)]},
        "backbone_id": model.backbone_id,
        "preprocessing": model.preprocessing,
        "labels": [asdict(label) for label in model.labels],
        "multilabel": model.head.multilabel,
        "metrics": model.metrics,
        "versions": model.versions,
    }


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True)


def _one_line(name: str) -> str:
    return " ".join(name.splitlines())
