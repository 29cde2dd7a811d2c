"""Questions and answers in the contract's words."""

from collections.abc import AsyncGenerator, AsyncIterable

from customvision.common.errors import ServiceError
from customvision.common.status import code_of, duration_of, message_of
from customvision.prediction.batches import BatchAnswer
from customvision.prediction.outcomes import Outcome
from customvision.prediction.predictor import Answer
from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.question import Question
from customvision.prediction.streams import StreamAnswer, StreamQuestion
from customvision.v1 import prediction_service_pb2 as messages


def question_of(request: messages.PredictRequest) -> Question:
    """Returns the question that a request asks."""
    return Question(
        project_id=request.project_id,
        publish_name=request.publish_name,
        iteration_id=request.iteration_id,
        image_data=request.image_data,
        image_url=request.image_url,
        store=request.store,
        application=request.application,
    )


def batch_questions(request: messages.PredictBatchRequest) -> list[Question]:
    """Returns a question for each image of a batch."""
    return [
        Question(
            project_id=request.project_id,
            publish_name=request.publish_name,
            iteration_id=request.iteration_id,
            image_data=image.image_data,
            image_url=image.image_url,
            store=request.store,
            application=request.application,
        )
        for image in request.images
    ]


async def stream_questions(
    requests: AsyncIterable[messages.PredictStreamRequest],
) -> AsyncGenerator[StreamQuestion, None]:
    """Yields the questions of a stream as they come."""
    async for request in requests:
        question = StreamQuestion(request.request_id, question_of(request.question))
        # It holds the image once more.
        del request
        yield question
        del question


def answer_message(answer: Answer) -> messages.PredictResponse:
    """Returns an answer as Predict gives it."""
    return messages.PredictResponse(
        iteration_id=answer.published.iteration_id,
        publish_name=answer.published.name.publish_name,
        prediction_id=answer.prediction_id,
        predictions=tag_probability_messages(answer.predictions),
    )


def batch_message(answer: BatchAnswer) -> messages.PredictBatchResponse:
    """Returns the answer to a batch."""
    return messages.PredictBatchResponse(
        iteration_id=answer.published.iteration_id,
        publish_name=answer.published.name.publish_name,
        results=map(_batch_result, answer.outcomes),
    )


def stream_message(answer: StreamAnswer) -> messages.PredictStreamResponse:
    """Returns an answer as PredictStream gives it."""
    if isinstance(answer.outcome, ServiceError):
        failure = _failure_message(answer.outcome)
        return messages.PredictStreamResponse(request_id=answer.request_id, failure=failure)
    return messages.PredictStreamResponse(request_id=answer.request_id, response=answer_message(answer.outcome))


def _batch_result(outcome: Outcome) -> messages.BatchResult:
    if isinstance(outcome, ServiceError):
        return messages.BatchResult(failure=_failure_message(outcome))
    return messages.BatchResult(
        predictions=tag_probability_messages(outcome.predictions), prediction_id=outcome.prediction_id
    )


def _failure_message(error: ServiceError) -> messages.PredictionFailure:
    number: int = code_of(error).value[0]
    failure = messages.PredictionFailure(code=number, reason=error.reason, message=message_of(error))
    if error.retry_after is not None:
        failure.retry_after.CopyFrom(duration_of(error.retry_after))
    return failure
