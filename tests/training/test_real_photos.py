"""Accuracy on real photos, with ImageNet weights and with the built-in ones; skipped where photos are not at hand."""

from dataclasses import replace
from pathlib import Path

from customvision.common.keys import Keys
from customvision.common.settings import Settings
from customvision.v1 import iterations_pb2, training_service_pb2
from training_suite import TrainingSuite, phases_of

EMBEDDING = training_service_pb2.TRAINING_PHASE_EMBEDDING_IMAGES


async def test_flowers(shared: Path, settings: Settings, keys: Keys) -> None:
    """400 photos of five flowers reach 0.80 on the held-out fifth, and three more photos cost three embeddings."""
    weights = shared / "weights" / "mobilenet_v2_1.0_224_no_top.weights.h5"
    suite = TrainingSuite(replace(settings, backbone_weights=weights), keys)
    await suite.start_project()
    await suite.start_training()
    try:
        project_id = await suite.create_project()
        tags = {}
        for folder in sorted((shared / "datasets" / "flower_photos").iterdir()):
            tags[folder.name] = await suite.create_tag(project_id, folder.name)
            photos = [file.read_bytes() for file in sorted(folder.iterdir())]
            held_back = 3 if folder.name == "daisy" else 0
            await suite.upload(project_id, photos[: len(photos) - held_back], tags[folder.name])
            if held_back:
                later = photos[-held_back:]
        run = await suite.finished(await suite.start(project_id))
        iteration = await suite.iteration(project_id, run.iteration_id)
        assert iteration.metrics.accuracy >= 0.80
        assert iteration.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_PATH
        assert not iteration.warnings
        await suite.upload(project_id, later, tags["daisy"])
        events = await suite.events(await suite.start(project_id))
        assert phases_of(events)[EMBEDDING][-1] == (3, 3)
    finally:
        await suite.stop_training()
        await suite.stop_project()


async def test_built_in_backbone(shared: Path, suite: TrainingSuite) -> None:
    """Without any weights file, satellite pictures of 10 kinds, which the backbone never saw, are told apart."""
    project_id = await suite.create_project()
    for folder in sorted((shared / "datasets" / "eurosat_rgb").iterdir()):
        photos = [file.read_bytes() for file in sorted(folder.iterdir())[:40]]
        await suite.upload(project_id, photos, await suite.create_tag(project_id, folder.name))
    run = await suite.finished(await suite.start(project_id))
    iteration = await suite.iteration(project_id, run.iteration_id)
    assert iteration.backbone.weights_source == iterations_pb2.WEIGHTS_SOURCE_BUILT_IN
    assert iteration.metrics.accuracy >= 0.65
