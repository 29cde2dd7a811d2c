"""A prediction service as a user starts it, with published models from a project double, and a load generator."""

import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from load_rounds import LoadGenerator, load_generator
from local_suite import CLI, free_addresses
from questions import predict_questions
from servicer_project_double import ProjectDouble
from trained_model import TrainedModel

from customvision.common.channel import open_blocking_channel
from customvision.common.keys import Keys, load_or_create_keys
from customvision.v1 import prediction_service_pb2 as messages
from customvision.v1.prediction_service_pb2_grpc import PredictionServiceStub

PUBLISH_NAME = "production"
OURS = "ours"
START_SECONDS = 300.0
LOAD_SECONDS = 600.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
PAGE_SIZE = 1_000


def project_id_of(number: int) -> str:
    """Returns the id of the n-th project."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"project {number}"))


class PredictionService:
    """`customvision serve prediction` in ``home``; ``started`` is when, on the clock of time.perf_counter."""

    def __init__(self, home: Path, keys: Keys, project_address: str, settings: dict[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMVISION_")}
        self.address = free_addresses()["CUSTOMVISION_PREDICTION_ADDRESS"]
        self.keys = keys
        self.log = home.with_name(f"{home.name}.log")
        environment = {
            **inherited,
            "CUSTOMVISION_HOME": str(home),
            "CUSTOMVISION_PROJECT_ADDRESS": project_address,
            "CUSTOMVISION_PREDICTION_ADDRESS": self.address,
            **settings,
        }
        self.started = time.perf_counter()
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - our own
                [CLI, "serve", "prediction"], env=environment, stdout=log, stderr=log
            )
        self.process = psutil.Process(self._popen.pid)
        self._channel = open_blocking_channel(self.address, keys)
        self.stub = PredictionServiceStub(self._channel)

    @property
    def resident(self) -> int:
        """The bytes that its processes hold in memory."""
        return sum(each.memory_info().rss for each in (self.process, *self.process.children(recursive=True)))

    def wait_until_serving(self) -> float:
        """Waits until its health says so; returns the seconds since its start. Raises RuntimeError with its log."""
        stub = health_pb2_grpc.HealthStub(self._channel)
        deadline = self.started + START_SECONDS
        while time.perf_counter() < deadline and self._popen.poll() is None:
            try:
                if stub.Check(health_pb2.HealthCheckRequest(), timeout=1).status == 1:
                    return time.perf_counter() - self.started
            except grpc.RpcError:
                time.sleep(POLL_SECONDS)
        raise RuntimeError(f"The prediction service did not start:\n{self.log.read_text()}")

    def wait_until_available(self, count: int) -> float:
        """Waits until so many models answer; returns the seconds since its start."""
        deadline = self.started + LOAD_SECONDS
        while time.perf_counter() < deadline:
            models = self.models()
            if len(models) == count and all(model.state == messages.MODEL_STATE_AVAILABLE for model in models):
                return time.perf_counter() - self.started
            # Lists of thousands must not be what keeps it busy.
            time.sleep(max(POLL_SECONDS, count / 20_000))
        raise RuntimeError(f"{count} models were not available in time:\n{self.log.read_text()[-4_000:]}")

    def serving_iteration(self, project_id: str) -> str:
        """Returns the iteration that answers for a project of one model."""
        (model,) = self.stub.ListModels(messages.ListModelsRequest(project_id=project_id)).models
        return str(model.serving_iteration_id)

    def predict(self, project_id: str, photo: bytes) -> messages.PredictResponse:
        """Asks the project's model."""
        request = messages.PredictRequest(project_id=project_id, publish_name=PUBLISH_NAME, image_data=photo)
        answer: messages.PredictResponse = self.stub.Predict(request)
        return answer

    def models(self) -> list[messages.ServedModel]:
        """Returns every model that the service knows."""
        models: list[messages.ServedModel] = []
        token = ""
        while True:
            page = self.stub.ListModels(messages.ListModelsRequest(page_size=PAGE_SIZE, page_token=token))
            models += page.models
            token = page.next_page_token
            if not token:
                return models

    def stop(self) -> None:
        """Has it drain and waits for its end."""
        self._channel.close()
        self._popen.terminate()
        self._popen.wait(STOP_SECONDS)


@dataclass(frozen=True)
class Serving:
    """A project double, the prediction service that follows it, and a load generator that knows it as OURS."""

    project: ProjectDouble
    service: PredictionService
    generator: LoadGenerator
    keys: Keys

    def ask(self, photos: Sequence[bytes], *, models: int = 1) -> None:
        """Has the generator send these photos from now on, to the first ``models`` projects in turn."""
        names = [(project_id_of(number), PUBLISH_NAME) for number in range(models)]
        self.generator.add(
            OURS,
            address=self.service.address,
            pid=self.service.process.pid,
            questions=predict_questions(names, photos),
            key=self.keys.prediction_key,
        )


@contextmanager
def project_of(home: Path, trained: TrainedModel, *, models: int) -> Iterator[tuple[ProjectDouble, Keys]]:
    """Serves a project double with so many projects, each with one published model of its own."""
    home.mkdir(parents=True)
    keys, _ = load_or_create_keys(home)
    # Only at type-checking time are the methods that it leaves out abstract.
    project = ProjectDouble()  # type: ignore[abstract]
    project.add_artifact(trained.backbone)
    for number in range(models):
        project.publish(project_id_of(number), PUBLISH_NAME, str(number), trained.variation(number))
    with project.running(keys):
        yield project, keys


@contextmanager
def running_prediction(
    home: Path, project: ProjectDouble, keys: Keys, settings: dict[str, str] | None = None
) -> Iterator[PredictionService]:
    """Starts a prediction service that follows the project double; stops it afterwards."""
    service = PredictionService(home, keys, project.address, settings or {})
    try:
        service.wait_until_serving()
        yield service
    finally:
        service.stop()


@contextmanager
def serving(
    home: Path, trained: TrainedModel, *, models: int = 1, settings: dict[str, str] | None = None
) -> Iterator[Serving]:
    """Serves ``models`` models, all loaded, with a load generator beside it."""
    with ExitStack() as stack:
        project, keys = stack.enter_context(project_of(home, trained, models=models))
        service = stack.enter_context(running_prediction(home, project, keys, settings))
        service.wait_until_available(models)
        yield Serving(project, service, stack.enter_context(load_generator()), keys)
