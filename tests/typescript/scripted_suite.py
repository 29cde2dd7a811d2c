# ruff: noqa: ARG002, N802 - gRPC fixes the names of methods and their parameters
"""A suite that plays a script, as a process that a test can kill: one project, one run of twelve events, one model.

``python scripted_suite.py TOLD PROJECT TRAINING PREDICTION`` serves on these addresses and tells the first TOLD events
of the run; where they are all twelve, the watch ends. It prints its addresses as JSON once it serves.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor

from customvision.common.authentication import KeyRing, Role
from customvision.common.errors import FailedPrecondition
from customvision.common.keys import Keys
from customvision.common.server import ANY_KEY, TRAINING_KEY_ONLY, Server, ServiceDefinition
from customvision.v1 import (
    iterations_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    project_service_pb2,
    project_service_pb2_grpc,
    projects_pb2,
    training_service_pb2,
    training_service_pb2_grpc,
)

KEYS = Keys(training_key="t" * 64, prediction_key="p" * 64)
PROJECT_ID = "5f0c1d63-0b0f-4a35-9f39-5d4a0a7f8a11"
ITERATION_ID = "6e9bd2a0-2f0c-4a59-8c0a-2f2f0c8f8b22"
RUN_ID = "7a7e7b1c-57a5-4a0e-9b7b-1d1d1d1d1d33"
# Those of a quick run.
PHASES = [
    phase
    for phase in training_service_pb2.TrainingPhase.values()[1:]
    if phase != training_service_pb2.TRAINING_PHASE_FINE_TUNING
]
EVENT_COUNT = 12
HEARTBEAT_SECONDS = 0.05


class NoSuchRun(FailedPrecondition):
    """The script has one run."""

    reason = "NO_SUCH_RUN"


def events() -> Iterator[training_service_pb2.TrainingEvent]:
    """Yields the run's events: queued, running, each phase, metrics, two warnings, succeeded."""
    details: list[dict[str, Any]] = [{"state_change": training_service_pb2.StateChange()} for _ in range(2)]
    details += [{"progress": training_service_pb2.PhaseProgress(phase=phase, done=3, total=3)} for phase in PHASES]
    details += [{"metrics": iterations_pb2.IterationMetrics(precision=0.75)}, {"warning": "one"}, {"warning": "two"}]
    details += [{"state_change": training_service_pb2.StateChange()}]
    states = [training_service_pb2.TRAINING_STATE_QUEUED, *[training_service_pb2.TRAINING_STATE_RUNNING] * 10]
    states += [training_service_pb2.TRAINING_STATE_SUCCEEDED]
    for number, (state, detail) in enumerate(zip(states, details, strict=True), start=1):
        yield training_service_pb2.TrainingEvent(training_run_id=RUN_ID, sequence=number, state=state, **detail)


class ScriptedProject(project_service_pb2_grpc.ProjectServiceServicer):
    """Knows the project "flowers" and publishes its iteration."""

    async def ListProjects(self, request: Any, context: Any) -> projects_pb2.ListProjectsResponse:
        """Answers the one project where its name is asked for."""
        known = [projects_pb2.Project(project_id=PROJECT_ID, name="flowers")]
        return projects_pb2.ListProjectsResponse(projects=[it for it in known if it.name == request.name])

    async def PublishIteration(self, request: Any, context: Any) -> iterations_pb2.Iteration:
        """Answers the iteration under its name."""
        return iterations_pb2.Iteration(iteration_id=request.iteration_id, publish_name=request.publish_name)


class ScriptedTraining(training_service_pb2_grpc.TrainingServiceServicer):
    """Tells the first ``told`` events, then heartbeats, unless these were all."""

    def __init__(self, told: int) -> None:
        self._events = list(events())[:told]

    async def StartTraining(self, request: Any, context: Any) -> training_service_pb2.TrainingRun:
        """Answers the run, where the client made the call safe to repeat."""
        assert request.request_id
        return self._run()

    async def GetTrainingRun(self, request: Any, context: Any) -> training_service_pb2.TrainingRun:
        """Answers the run as far as it has come."""
        return self._run()

    async def WatchTraining(self, request: Any, context: Any) -> AsyncIterator[training_service_pb2.TrainingEvent]:
        """Streams the events after the sequence, then heartbeats or the end."""
        if request.training_run_id != RUN_ID:
            raise NoSuchRun("There is no such run.", metadata={"training_run_id": request.training_run_id})
        for event in self._events[request.after_sequence :]:
            yield event
        last = self._events[-1]
        while len(self._events) < EVENT_COUNT:
            heartbeat = training_service_pb2.Heartbeat()
            yield training_service_pb2.TrainingEvent(sequence=last.sequence, state=last.state, heartbeat=heartbeat)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _run(self) -> training_service_pb2.TrainingRun:
        last = self._events[-1]
        return training_service_pb2.TrainingRun(
            training_run_id=RUN_ID, iteration_id=ITERATION_ID, state=last.state, last_sequence=last.sequence
        )


class ScriptedPrediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers "rose" from the second look at its models on."""

    def __init__(self) -> None:
        self._looks = 0

    async def ListModels(self, request: Any, context: Any) -> prediction_service_pb2.ListModelsResponse:
        """Answers a model that is still loading the first time."""
        self._looks += 1
        model = prediction_service_pb2.ServedModel(publish_name="production", iteration_id=ITERATION_ID)
        model.serving_iteration_id = ITERATION_ID if self._looks > 1 else ""
        return prediction_service_pb2.ListModelsResponse(models=[model])

    async def Predict(self, request: Any, context: Any) -> prediction_service_pb2.PredictResponse:
        """Answers a probability made of the number of bytes, so that a test sees that they arrived."""
        answer = prediction_service_pb2.PredictResponse(iteration_id=ITERATION_ID)
        answer.predictions.add(tag_name="rose", probability=len(request.image_data) / 10_000)
        return answer

    async def PredictStream(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[prediction_service_pb2.PredictStreamResponse]:
        """Answers each question as it comes; one without an image fails."""
        async for request in request_iterator:
            answer = prediction_service_pb2.PredictStreamResponse(request_id=request.request_id)
            if request.question.image_data:
                answer.response.CopyFrom(await self.Predict(request.question, context))
            else:
                answer.failure.reason = "IMAGE_SIZE_INVALID"
            yield answer


def definitions(told: int) -> list[ServiceDefinition]:
    """Returns the three services, in the order of the addresses."""

    def definition(
        file: FileDescriptor, add: Callable[[Any, grpc.aio.Server], None], servicer: object, roles: frozenset[Role]
    ) -> ServiceDefinition:
        ((name, service),) = file.services_by_name.items()
        return ServiceDefinition(name, service.full_name, lambda server: add(servicer, server), roles, lambda: None)

    add_project = project_service_pb2_grpc.add_ProjectServiceServicer_to_server
    add_training = training_service_pb2_grpc.add_TrainingServiceServicer_to_server
    add_prediction = prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server
    return [
        definition(project_service_pb2.DESCRIPTOR, add_project, ScriptedProject(), TRAINING_KEY_ONLY),  # type: ignore[abstract]
        definition(training_service_pb2.DESCRIPTOR, add_training, ScriptedTraining(told), TRAINING_KEY_ONLY),  # type: ignore[abstract]
        definition(prediction_service_pb2.DESCRIPTOR, add_prediction, ScriptedPrediction(), ANY_KEY),  # type: ignore[abstract]
    ]


async def main(told: int, addresses: list[str]) -> None:
    """Serves until it is killed."""
    key_ring = KeyRing(KEYS)
    # A server that nobody holds is collected, and its port with it.
    servers = [Server(it, address, key_ring) for it, address in zip(definitions(told), addresses, strict=True)]
    bound = [await server.start() for server in servers]
    sys.stdout.write(json.dumps(bound) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
