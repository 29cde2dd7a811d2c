"""A thousand fine-tuned models and memory for a few of them: those asked for last are there, others come back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from figures import Figure, tell
from material import Material
from serving import PUBLISH_NAME, PredictionService, project_id_of, project_of, running_prediction
from trained_model import TrainedModel
from tuned_backbones import TunedBackbones

SETTING = "CUSTOMVISION_PREDICTION_MEMORY"
MEGABYTE = 1_000_000
AGAIN = 50
SETTLE_SECONDS = 2.0


def measure(folder: Path, material: Material) -> list[Figure]:
    """Has every model answer once, then one again and again, then those that have not answered for longest."""
    options, trained = material.options, material.on_built_in
    photo = material.small[0]
    with _service(folder / "one", trained, 1, options.tuned_budget) as service:
        service.wait_until_available(1)
        service.predict(project_id_of(0), photo)
        one = _settled(service)
    tell(f"loading {options.tuned:,} fine-tuned models")
    with _service(folder / "many", trained, options.tuned, options.tuned_budget) as service:
        seconds = service.wait_until_available(options.tuned)
        loaded = _settled(service)
        tell(f"asking each of {options.tuned:,} fine-tuned models")
        every = [_answer(service, number, photo) for number in range(options.tuned)]
        asked = _settled(service)
        held = [model.memory_bytes for model in service.models() if model.resident]
        resident = [_answer(service, options.tuned - 1, photo) for _ in range(AGAIN)]
        returning = [_answer(service, number, photo) for number in range(min(AGAIN, options.tuned))]
    name = f"{options.tuned:,} fine-tuned models in {options.tuned_budget}"
    return [
        Figure(f"{name}: first start until all can be asked", f"{seconds:.1f} s"),
        Figure(
            f"{name}: resident after the start",
            f"{loaded / MEGABYTE:.0f} MB, {(loaded - one) / MEGABYTE:+.0f} MB",
            baseline=f"one of them {one / MEGABYTE:.0f} MB",
        ),
        Figure(
            f"{name}: resident once each has answered",
            f"{asked / MEGABYTE:.0f} MB, {(asked - one) / MEGABYTE:+.0f} MB",
            baseline=f"one of them {one / MEGABYTE:.0f} MB",
            goal=f"≤ {options.tuned_budget} more",
        ),
        Figure(
            f"{name}: in memory, as the service counts",
            f"{len(held)} models, {sum(held) / MEGABYTE:.0f} MB",
            goal=f"≤ {options.tuned_budget}",
        ),
        Figure(
            f"{name}: an answer, when the model comes back",
            f"p50 {median(returning):.1f} ms, longest of {len(every) + len(returning)} {max(every + returning):.0f} ms",
            baseline=f"of a model in memory p50 {median(resident):.1f} ms",
        ),
    ]


@contextmanager
def _service(home: Path, trained: TrainedModel, count: int, budget: str) -> Iterator[PredictionService]:
    backbones = TunedBackbones(trained.backbone)
    with project_of(home, trained, models=0) as (project, keys):
        for number in range(count):
            backbone_sha256 = project.add_makeable(backbones.maker(number))
            model = replace(trained.variation(number), backbone_sha256=backbone_sha256)
            project.publish(project_id_of(number), PUBLISH_NAME, str(number), model)
        with running_prediction(home, project, keys, {SETTING: budget}) as service:
            yield service


def _answer(service: PredictionService, number: int, photo: bytes) -> float:
    """Returns the milliseconds until the n-th model's answer."""
    began = time.perf_counter()
    service.predict(project_id_of(number), photo)
    return (time.perf_counter() - began) * 1000


def _settled(service: PredictionService) -> int:
    time.sleep(SETTLE_SECONDS)
    return service.resident
