"""What the training service refuses, and how it says so."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from customvision.common.channel import open_channel
from customvision.common.keys import Keys
from customvision.v1 import iterations_pb2, training_service_pb2
from customvision.v1.training_service_pb2_grpc import TrainingServiceStub
from training_suite import TrainingSuite, colored_photos

SERVICE = training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"]
NOWHERE = "00000000-0000-4000-8000-000000000000"
ADVANCED = iterations_pb2.TRAINING_TYPE_ADVANCED
# What a duration may hold by its own rules.
LONGEST, SHORTEST = Duration(seconds=315_576_000_000), Duration(seconds=-315_576_000_000)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Returns the stable reason that an error carries."""
    status: Any = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "customvision"
    return str(info.reason)


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    """Returns the error that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        if hasattr(call, "read"):
            await call.read()
        else:
            await call
    return caught.value


async def test_too_few_images_name_tag_and_count(suite: TrainingSuite) -> None:
    """A tag with too few images refuses the start, with the project service's reason; no run is left behind."""
    project_id, _ = await suite.colored_project(per_tag=6)
    few = await suite.create_tag(project_id, "dahlia")
    await suite.upload(project_id, colored_photos(2, 3), few)
    error = await refusal(
        suite.training.StartTraining(training_service_pb2.StartTrainingRequest(project_id=project_id))
    )
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_IMAGES")
    assert error.details() == "Tag 'dahlia' has 3 images; training needs at least 5 per tag."
    listed = await suite.training.ListTrainingRuns(training_service_pb2.ListTrainingRunsRequest())
    assert not listed.training_runs


async def test_a_check_says_what_a_start_would_be_refused_for(suite: TrainingSuite) -> None:
    """A check tells reason, sentence and metadata of the refusal, or none, and neither freezes nor starts anything."""

    async def check(**fields: Any) -> training_service_pb2.CheckTrainingResponse:
        request = training_service_pb2.StartTrainingRequest(project_id=project_id, **fields)
        return await suite.training.CheckTraining(training_service_pb2.CheckTrainingRequest(training=request))

    project_id, _ = await suite.colored_project(per_tag=6)
    assert await check() == training_service_pb2.CheckTrainingResponse()
    few = await suite.create_tag(project_id, "dahlia")
    await suite.upload(project_id, colored_photos(2, 3), few)
    refused = await check()
    assert refused.reason == "TOO_FEW_IMAGES"
    assert refused.message == "Tag 'dahlia' has 3 images; training needs at least 5 per tag."
    assert refused.metadata == {"tag_name": "dahlia", "image_count": "3", "required": "5"}
    assert (await check(selected_tag_ids=[few])).reason == "TOO_FEW_TAGS"
    assert (await check(training_budget=Duration(seconds=60))).reason == "TRAINING_BUDGET_INVALID"
    listed = await suite.project.ListIterations(iterations_pb2.ListIterationsRequest(project_id=project_id))
    assert not listed.iterations


async def test_one_tag_is_not_enough(suite: TrainingSuite) -> None:
    """One tag alone cannot be told from anything."""
    project_id, _ = await suite.colored_project(per_tag=6, tags=1)
    error = await refusal(
        suite.training.StartTraining(training_service_pb2.StartTrainingRequest(project_id=project_id))
    )
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "TOO_FEW_TAGS")


async def test_nothing_changed_needs_force(suite: TrainingSuite) -> None:
    """Training again on the same data is refused unless forced."""
    project_id, _ = await suite.colored_project(per_tag=5)
    await suite.events(await suite.start(project_id))
    error = await refusal(
        suite.training.StartTraining(training_service_pb2.StartTrainingRequest(project_id=project_id))
    )
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_CHANGED")
    check = training_service_pb2.CheckTrainingRequest()
    check.training.project_id = project_id
    assert (await suite.training.CheckTraining(check)).reason == "NOTHING_CHANGED"
    check.training.force = True
    assert not (await suite.training.CheckTraining(check)).reason
    await suite.events(await suite.start(project_id, force=True))


async def test_project_service_away(suite: TrainingSuite) -> None:
    """A start that cannot reach the project service says so, leaves no run, and may be repeated."""
    project_id, _ = await suite.colored_project(per_tag=5)
    request = training_service_pb2.StartTrainingRequest(project_id=project_id, request_id=NOWHERE)
    await suite.stop_project()
    error = await refusal(suite.training.StartTraining(request))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    await suite.start_project()
    run = await suite.training.StartTraining(request)
    await suite.events(run.training_run_id)
    listed = await suite.project.ListIterations(iterations_pb2.ListIterationsRequest(project_id=project_id))
    assert len(listed.iterations) == 1


Request = Callable[[TrainingServiceStub], Any]
BAD_REQUESTS: list[tuple[str, Request, grpc.StatusCode, str]] = [
    (
        "start without project",
        lambda stub: stub.StartTraining(training_service_pb2.StartTrainingRequest()),
        grpc.StatusCode.INVALID_ARGUMENT,
        "FIELD_MISSING",
    ),
    (
        "start in no project",
        lambda stub: stub.StartTraining(training_service_pb2.StartTrainingRequest(project_id=NOWHERE)),
        grpc.StatusCode.NOT_FOUND,
        "PROJECT_NOT_FOUND",
    ),
    (
        "start with a request id that is none",
        lambda stub: stub.StartTraining(
            training_service_pb2.StartTrainingRequest(project_id=NOWHERE, request_id="again")
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_INVALID",
    ),
    *(
        (
            f"start with a request id written {written}",
            lambda stub, written=written: stub.StartTraining(
                training_service_pb2.StartTrainingRequest(project_id=NOWHERE, request_id=written)
            ),
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_INVALID",
        )
        for written in (f"{{{NOWHERE}}}", NOWHERE.replace("-", ""), f"urn:uuid:{NOWHERE}")
    ),
    (
        "start of a type of the future",
        lambda stub: stub.StartTraining(
            training_service_pb2.StartTrainingRequest(
                project_id=NOWHERE,
                training_type=99,  # type: ignore[arg-type]
            )
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "TRAINING_TYPE_UNKNOWN",
    ),
    *(
        (
            f"start of an advanced training of {budget.ToJsonString()}",
            lambda stub, budget=budget: stub.StartTraining(
                training_service_pb2.StartTrainingRequest(
                    project_id=NOWHERE, training_type=ADVANCED, training_budget=budget
                )
            ),
            grpc.StatusCode.INVALID_ARGUMENT,
            "TRAINING_BUDGET_INVALID",
        )
        for budget in (Duration(), Duration(seconds=59, nanos=999_999_999), Duration(seconds=86_401), LONGEST, SHORTEST)
    ),
    (
        "start of a quick training with a budget",
        lambda stub: stub.StartTraining(
            training_service_pb2.StartTrainingRequest(project_id=NOWHERE, training_budget=Duration(seconds=600))
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "TRAINING_BUDGET_INVALID",
    ),
    (
        "start of a quick training from an iteration",
        lambda stub: stub.StartTraining(
            training_service_pb2.StartTrainingRequest(project_id=NOWHERE, base_iteration_id=NOWHERE)
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "BASE_ITERATION_NOT_ALLOWED",
    ),
    (
        "start with a tag that is empty",
        lambda stub: stub.StartTraining(
            training_service_pb2.StartTrainingRequest(project_id=NOWHERE, selected_tag_ids=[NOWHERE, ""])
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "SELECTED_TAG_INVALID",
    ),
    (
        "no such run",
        lambda stub: stub.GetTrainingRun(training_service_pb2.GetTrainingRunRequest(training_run_id="'; --")),
        grpc.StatusCode.NOT_FOUND,
        "TRAINING_RUN_NOT_FOUND",
    ),
    (
        "cancel of no run",
        lambda stub: stub.CancelTraining(training_service_pb2.CancelTrainingRequest(training_run_id=NOWHERE)),
        grpc.StatusCode.NOT_FOUND,
        "TRAINING_RUN_NOT_FOUND",
    ),
    (
        "watch of no run",
        lambda stub: stub.WatchTraining(training_service_pb2.WatchTrainingRequest(training_run_id=NOWHERE)),
        grpc.StatusCode.NOT_FOUND,
        "TRAINING_RUN_NOT_FOUND",
    ),
    (
        "list with a broken token",
        lambda stub: stub.ListTrainingRuns(training_service_pb2.ListTrainingRunsRequest(page_token="x")),
        grpc.StatusCode.INVALID_ARGUMENT,
        "PAGE_TOKEN_INVALID",
    ),
    (
        "list with a negative size",
        lambda stub: stub.ListTrainingRuns(training_service_pb2.ListTrainingRunsRequest(page_size=-1)),
        grpc.StatusCode.INVALID_ARGUMENT,
        "PAGE_SIZE_INVALID",
    ),
    (
        "performance at an impossible threshold",
        lambda stub: stub.GetPerformance(
            training_service_pb2.GetPerformanceRequest(project_id=NOWHERE, iteration_id=NOWHERE, threshold=float("nan"))
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "THRESHOLD_INVALID",
    ),
    (
        "performance of no iteration",
        lambda stub: stub.GetPerformance(
            training_service_pb2.GetPerformanceRequest(project_id=NOWHERE, iteration_id=NOWHERE)
        ),
        grpc.StatusCode.NOT_FOUND,
        "PROJECT_NOT_FOUND",
    ),
    (
        "export in a format of the future",
        lambda stub: stub.ExportIteration(
            training_service_pb2.ExportIterationRequest(
                project_id=NOWHERE,
                iteration_id=NOWHERE,
                format=99,  # type: ignore[arg-type]
            )
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
        "EXPORT_FORMAT_UNKNOWN",
    ),
]


async def test_bad_requests_are_told_apart(suite: TrainingSuite) -> None:
    """Each bad request has its own status and stable reason."""
    for name, call, code, reason in BAD_REQUESTS:
        error = await refusal(call(suite.training))
        assert (name, error.code(), reason_of(error)) == (name, code, reason)


async def test_watch_past_the_end(suite: TrainingSuite) -> None:
    """Continuing after an event that has not happened is OUT_OF_RANGE; a negative sequence is INVALID_ARGUMENT."""
    project_id, _ = await suite.colored_project(per_tag=5)
    run = await suite.finished(await suite.start(project_id))
    for after, code in (
        (run.last_sequence + 1, grpc.StatusCode.OUT_OF_RANGE),
        (-1, grpc.StatusCode.INVALID_ARGUMENT),
    ):
        request = training_service_pb2.WatchTrainingRequest(training_run_id=run.training_run_id, after_sequence=after)
        assert (await refusal(suite.training.WatchTraining(request))).code() is code


async def test_iterations_without_a_model(suite: TrainingSuite) -> None:
    """Performance, results and export of an iteration that was cancelled are refused by name."""
    project_id, _ = await suite.colored_project(per_tag=5)
    first, second = [await suite.start(project_id, force=True) for _ in range(2)]
    iteration_id = (await suite.cancel(second)).iteration_id
    for call in (
        suite.training.GetPerformance(
            training_service_pb2.GetPerformanceRequest(project_id=project_id, iteration_id=iteration_id)
        ),
        suite.training.ListImageResults(
            training_service_pb2.ListImageResultsRequest(project_id=project_id, iteration_id=iteration_id)
        ),
        suite.training.ExportIteration(
            training_service_pb2.ExportIterationRequest(project_id=project_id, iteration_id=iteration_id)
        ),
    ):
        error = await refusal(call)
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "ITERATION_NOT_COMPLETED")
        assert "Iteration 2" in (error.details() or "")
    await suite.events(first)


@pytest.mark.parametrize("method", [method.name for method in SERVICE.methods])
async def test_every_method_needs_the_training_key(suite: TrainingSuite, method: str) -> None:
    """No key, a wrong key and the prediction key open no method of this service."""
    request = getattr(training_service_pb2, SERVICE.methods_by_name[method].input_type.name)()
    for presented, code in (
        ("", grpc.StatusCode.UNAUTHENTICATED),
        ("wrong", grpc.StatusCode.UNAUTHENTICATED),
        (suite.keys.prediction_key, grpc.StatusCode.PERMISSION_DENIED),
    ):
        async with open_channel(suite.settings.training_address, Keys(presented, "")) as channel:
            # Nothing is sent into a stream: refused while it writes, grpc.aio tells of the failed write instead.
            sent = () if SERVICE.methods_by_name[method].client_streaming else (request,)
            call = getattr(TrainingServiceStub(channel), method)(*sent)
            assert (await refusal(call)).code() is code
