"""The child process that finds the weights and makes the backbone ready; quick when that was done before."""

import errno
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from customvision.training.backbones.architectures import architecture_of
from customvision.training.backbones.known_nuisances import place_nuisances
from customvision.training.backbones.prepared import PreparedBackbone, read_digests
from customvision.training.backbones.sources import Weights, find_weights
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape
from customvision.training.children.child import Reports, run_child
from customvision.training.children.late_modules import load_late
from customvision.training.children.processor_priority import give_way
from customvision.vision.decoding import PREPROCESSING


def prepare(request: dict[str, Any], reports: Reports) -> None:
    """Reports ``found``, then ``prepared`` with the backbone's fields; or ``unusable`` with the reason.

    ``request``: ``architecture``, ``named`` (a path or None), ``weights_folder``, ``download``, ``prepared_folder``,
    and ``tuned_from`` where the weights are fine-tuned: the path of the artifact of the backbone that they were before.
    """
    give_way(5)
    named = Path(request["named"]) if request["named"] else None
    folder = Path(request["weights_folder"])
    try:
        wanted = architecture_of(request["architecture"])
        weights = find_weights(wanted, named=named, folder=folder, download=request["download"])
        shape = read_shape(weights.file)
        architecture = shape.architecture
        backbone_id = f"{architecture}/{shape.features_today}/{PREPROCESSING}/f32/{weights.identity}"
        reports.send("found", backbone_id=backbone_id, warning=weights.warning)
        tuned_from = Path(request["tuned_from"]) if request.get("tuned_from") else None
        backbone = _prepared(weights, architecture, backbone_id, Path(request["prepared_folder"]), tuned_from)
    except (WeightsUnusable, OSError) as error:
        reports.send("unusable", reason=_sentence(error))
        return
    reports.send("prepared", backbone=backbone.to_record())


def _prepared(
    weights: Weights, architecture: str, backbone_id: str, prepared_folder: Path, tuned_from: Path | None
) -> PreparedBackbone:
    folder = prepared_folder / backbone_id
    if read_digests(folder) is None:
        # Keras takes a second to load: only a first preparation pays for it. On OpenVINO it asks for windows of sound,
        # which would take another.
        load_late("scipy.signal")
        import keras

        from customvision.training.backbones.conversion import convert

        # As OpenVINO's own graphs are laid out: written otherwise, they keep a transposition around each layer.
        keras.config.set_image_data_format("channels_first")
        convert(
            weights_file=weights.file,
            backbone_id=backbone_id,
            architecture=architecture,
            folder=folder,
            tuned_from=tuned_from,
        )
    else:
        # Without them the backbone works as it did; the next start tries again.
        with suppress(OSError):
            place_nuisances(folder)
    digests = read_digests(folder)
    assert digests is not None  # noqa: S101 - convert has just written them
    backbone = PreparedBackbone(
        backbone_id=backbone_id,
        architecture=architecture,
        weights_source=weights.source.value,
        backbone_sha256=digests[0],
        weights_sha256=digests[1],
        folder=str(folder),
    )
    return replace(backbone, warning=weights.warning)


def _sentence(error: Exception) -> str:
    # HDF5 raises OSError with its own text in place of a number.
    if isinstance(error, OSError) and (error.errno == errno.ENOSPC or f"errno = {errno.ENOSPC}" in str(error)):
        return "The disk is full, so the backbone could not be prepared. Make room, then train again."
    if isinstance(error, OSError):
        return f"The backbone's files cannot be read or written ({error.strerror or 'input/output error'})."
    return str(error)


if __name__ == "__main__":
    run_child(prepare)
