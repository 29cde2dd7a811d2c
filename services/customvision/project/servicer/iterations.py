"""The calls about iterations."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf import empty_pb2

from customvision.project.domain.iteration import (
    Backbone,
    Iteration,
    IterationArtifacts,
    IterationMetrics,
    WeightsSource,
)
from customvision.project.domain.training_request import TrainingRequest, TrainingType
from customvision.project.servicer.conversions import duration_of, member_of, span_of, timestamp_of, value_of
from customvision.project.servicer.tags import tag_message
from customvision.project.use_cases.iterations import DataSetPiece, Iterations
from customvision.project.use_cases.pages import PageRequest
from customvision.v1 import iterations_pb2, projects_pb2


class IterationMethods:
    """Translates the calls about iterations."""

    _iterations: Iterations

    async def CreateIteration(
        self, request: iterations_pb2.CreateIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Freezes the data set, or checks whether it could be."""
        if request.validate_only:
            await self._iterations.check(
                request.project_id,
                _training_request(request),
                backbone_id=request.backbone_id,
                force=request.force,
            )
            return iterations_pb2.Iteration()
        iteration = await self._iterations.create(
            request.project_id,
            _training_request(request),
            backbone_id=request.backbone_id,
            force=request.force,
            request_id=request.request_id,
        )
        return iteration_message(iteration)

    async def GetIterationDataSet(
        self, request: iterations_pb2.GetIterationDataSetRequest, context: Any
    ) -> AsyncIterator[iterations_pb2.IterationDataSetChunk]:
        """Streams the frozen data set of an iteration."""
        async with aclosing(self._iterations.data_set(request.project_id, request.iteration_id)) as pieces:
            async for piece in pieces:
                yield _data_set_chunk(piece)

    async def CompleteIteration(
        self, request: iterations_pb2.CompleteIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Hands a finished model over."""
        iteration = await self._iterations.complete(
            request.project_id,
            request.iteration_id,
            backbone=_backbone(request.backbone),
            model=_artifacts(request.artifacts),
            metrics=_metrics(request.metrics),
            warnings=list(request.warnings),
            fine_tuned=request.fine_tuned,
        )
        return iteration_message(iteration)

    async def FailIteration(
        self, request: iterations_pb2.FailIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Records that a training ended without a model."""
        iteration = await self._iterations.fail(
            request.project_id, request.iteration_id, reason=request.reason, cancelled=request.cancelled
        )
        return iteration_message(iteration)

    async def ListIterations(
        self, request: iterations_pb2.ListIterationsRequest, context: Any
    ) -> iterations_pb2.ListIterationsResponse:
        """Returns one page of a project's iterations."""
        page = await self._iterations.page(request.project_id, PageRequest(request.page_size, request.page_token))
        return iterations_pb2.ListIterationsResponse(
            iterations=map(iteration_message, page.items), next_page_token=page.next_page_token
        )

    async def GetIteration(self, request: iterations_pb2.GetIterationRequest, context: Any) -> iterations_pb2.Iteration:
        """Returns an iteration."""
        return iteration_message(await self._iterations.get(request.project_id, request.iteration_id))

    async def UpdateIteration(
        self, request: iterations_pb2.UpdateIterationRequest, context: Any
    ) -> iterations_pb2.Iteration:
        """Changes the fields that are present."""
        name = request.name if request.HasField("name") else None
        return iteration_message(await self._iterations.rename(request.project_id, request.iteration_id, name))

    async def DeleteIteration(self, request: iterations_pb2.DeleteIterationRequest, context: Any) -> empty_pb2.Empty:
        """Deletes an iteration."""
        await self._iterations.delete(request.project_id, request.iteration_id)
        return empty_pb2.Empty()


def iteration_message(iteration: Iteration) -> iterations_pb2.Iteration:
    """Returns the message of an iteration."""
    return iterations_pb2.Iteration(
        iteration_id=iteration.iteration_id,
        project_id=iteration.project_id,
        name=iteration.name,
        number=iteration.number,
        status=value_of(iterations_pb2.IterationStatus, iteration.status),
        training_type=value_of(iterations_pb2.TrainingType, iteration.request.training_type),
        classification_type=value_of(projects_pb2.ClassificationType, iteration.classification_type),
        create_time=timestamp_of(iteration.create_time),
        end_time=timestamp_of(iteration.end_time),
        image_count=iteration.image_count,
        publish_name=iteration.publish_name,
        backbone=_backbone_message(iteration.backbone),
        metrics=iterations_pb2.IterationMetrics(**vars(iteration.metrics)) if iteration.metrics else None,
        failure_reason=iteration.failure_reason,
        warnings=iteration.warnings,
        artifacts=artifacts_message(iteration.artifacts) if iteration.artifacts else None,
        domain_id=iteration.domain_id,
        training_budget=duration_of(iteration.request.training_budget),
        selected_tag_ids=iteration.request.selected_tag_ids,
        base_iteration_id=iteration.request.base_iteration_id,
        fine_tuned=iteration.fine_tuned,
        publish_target=iteration.publish_target,
        update_time=timestamp_of(iteration.update_time),
        base_project_id=iteration.base_project_id,
    )


def artifacts_message(artifacts: IterationArtifacts) -> iterations_pb2.IterationArtifacts:
    """Returns the message of a model's artifacts."""
    return iterations_pb2.IterationArtifacts(**vars(artifacts))


def _training_request(request: iterations_pb2.CreateIterationRequest) -> TrainingRequest:
    return TrainingRequest(
        training_type=member_of(
            TrainingType,
            iterations_pb2.TrainingType,
            request.training_type,
            field="training_type",
            default=TrainingType.QUICK,
        ),
        training_budget=span_of(request.training_budget) if request.HasField("training_budget") else None,
        selected_tag_ids=tuple(request.selected_tag_ids),
        base_iteration_id=request.base_iteration_id,
        base_project_id=request.base_project_id,
    )


def _backbone_message(backbone: Backbone | None) -> iterations_pb2.Backbone | None:
    if backbone is None:
        return None
    return iterations_pb2.Backbone(
        backbone_id=backbone.backbone_id,
        architecture=backbone.architecture,
        weights_source=value_of(iterations_pb2.WeightsSource, backbone.weights_source),
        weights_sha256=backbone.weights_sha256,
    )


def _backbone(message: iterations_pb2.Backbone) -> Backbone:
    return Backbone(
        backbone_id=message.backbone_id,
        architecture=message.architecture,
        weights_source=member_of(
            WeightsSource, iterations_pb2.WeightsSource, message.weights_source, field="backbone.weights_source"
        ),
        weights_sha256=message.weights_sha256,
    )


def _artifacts(message: iterations_pb2.IterationArtifacts) -> IterationArtifacts:
    return IterationArtifacts(
        model_sha256=message.model_sha256,
        backbone_sha256=message.backbone_sha256,
        backbone_weights_sha256=message.backbone_weights_sha256,
        evaluation_sha256=message.evaluation_sha256,
    )


def _metrics(message: iterations_pb2.IterationMetrics) -> IterationMetrics:
    return IterationMetrics(
        precision=message.precision,
        recall=message.recall,
        average_precision=message.average_precision,
        accuracy=message.accuracy,
        held_out_image_count=message.held_out_image_count,
    )


def _data_set_chunk(piece: DataSetPiece) -> iterations_pb2.IterationDataSetChunk:
    return iterations_pb2.IterationDataSetChunk(
        tags=map(tag_message, piece.tags),
        images=(
            iterations_pb2.DataSetImage(
                image_id=image.image_id, content_sha256=image.content_sha256, tag_ids=image.tag_ids
            )
            for image in piece.images
        ),
    )
