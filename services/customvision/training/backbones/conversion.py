"""From Keras weights to what training and prediction run: an OpenVINO model that takes bytes of pixels."""

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import openvino
from openvino.preprocess import PrePostProcessor

from customvision.common.durable_files import TEMPORARY_PREFIX
from customvision.training.backbones.known_nuisances import place_nuisances
from customvision.training.backbones.network import (
    bare_network_from_file,
    save_network,
    with_levels,
    with_pixels_in,
)
from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.prepared import (
    BACKBONE_FILE,
    DESCRIPTION_FILE,
    WEIGHTS_FILE,
    place_durably,
)
from customvision.training.backbones.weights_file import WeightsUnusable, read_nuisances, read_shape, write_nuisances
from customvision.vision.artifacts import BackboneArtifact, digest_of
from customvision.vision.decoding import PREPROCESSING
from customvision.vision.network_parts import frozen_outputs


def convert(
    *, weights_file: Path, backbone_id: str, architecture: str, folder: Path, tuned_from: Path | None = None
) -> None:
    """Fills ``folder`` with the backbone, its Keras weights and their digests: all of them or, on an error, nothing.

    ``tuned_from`` is the artifact of the backbone that it was fine-tuned from. Raises WeightsUnusable.
    """
    bare, shape = bare_network_from_file(weights_file), read_shape(weights_file)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder.parent))
    try:
        save_network(bare, temporary / WEIGHTS_FILE, shape.features_today)
        network = with_levels(bare, shape.network, shape.features_today)
        artifact = _artifact(network, backbone_id, architecture, temporary)
        # Who begins with these weights in another training has them too.
        write_nuisances(temporary / WEIGHTS_FILE, _nuisances(weights_file, artifact.feature_count))
        place_nuisances(temporary)
        if tuned_from is not None:
            artifact = replace(artifact, frozen_outputs=_frozen_outputs(artifact, tuned_from, temporary))
        data = artifact.to_bytes()
        weights = (temporary / WEIGHTS_FILE).read_bytes()
        description = f'{{"backbone_sha256": "{digest_of(data)}", "weights_sha256": "{digest_of(weights)}"}}\n'
        _write(temporary / BACKBONE_FILE, data)
        _write(temporary / WEIGHTS_FILE, weights)
        _write(temporary / DESCRIPTION_FILE, description.encode())
        place_durably(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _artifact(network: Any, backbone_id: str, architecture: str, folder: Path) -> BackboneArtifact:
    exported, final = folder / "exported.xml", folder / "trunk.xml"
    with_pixels_in(network).export(str(exported), format="openvino", verbose=False)
    model = openvino.Core().read_model(exported)
    model.reshape([1, *network.input.shape[1:]])
    bytes_in = PrePostProcessor(model)
    bytes_in.input().tensor().set_element_type(openvino.Type.u8)
    if keras.config.image_data_format() == "channels_first":
        bytes_in.input().tensor().set_layout(openvino.Layout("NHWC"))
        bytes_in.input().model().set_layout(openvino.Layout("NCHW"))
    model = bytes_in.build()
    openvino.save_model(model, str(final), compress_to_fp16=False)
    artifact = BackboneArtifact(
        backbone_id=backbone_id,
        architecture=architecture,
        input_size=int(network.input.shape[2]),
        feature_count=int(model.output(0).partial_shape[1].get_length()),
        preprocessing=PREPROCESSING,
        xml=final.read_bytes(),
        weights=final.with_suffix(".bin").read_bytes(),
    )
    for file in (exported, exported.with_suffix(".bin"), final, final.with_suffix(".bin")):
        file.unlink()
    return artifact


def _nuisances(weights_file: Path, feature_count: int) -> Nuisances:
    nuisances = read_nuisances(weights_file)
    if nuisances.levels and nuisances.feature_count != feature_count:
        raise WeightsUnusable(
            f"The weights file {weights_file.name} tells the nuisances of {nuisances.feature_count} features, and "
            f"there are {feature_count}. Measure them again: make nuisances."
        )
    return nuisances


def _frozen_outputs(artifact: BackboneArtifact, tuned_from: Path, folder: Path) -> tuple[str, ...]:
    """Returns where the network ceases to be that in the artifact ``tuned_from``."""
    base = BackboneArtifact.from_bytes(tuned_from.read_bytes())
    networks = []
    for part in (artifact, base):
        with tempfile.TemporaryDirectory(dir=folder) as files:
            networks.append(openvino.Core().read_model(*part.write_model(Path(files))))
    return tuple(frozen_outputs(*networks))


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as output:
        output.write(data)
        output.flush()
        os.fsync(output.fileno())
