"""Hands records to the project service, a batch in one call."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import grpc

from customvision.common.errors import Internal, ServiceError, Unavailable
from customvision.common.status import error_from_call, error_of_code
from customvision.prediction.record_messages import encoded_batch, encoded_record
from customvision.prediction.stored_predictions import PredictionRecord
from customvision.v1.stored_predictions_pb2 import RecordPredictionsResponse, StoredPrediction

if TYPE_CHECKING:
    from grpc.aio import UnaryUnaryMultiCallable

SERVICE = "/customvision.v1.ProjectService"
BATCH_SECONDS = 30.0
RECORD_SECONDS = 10.0


class RecordSender:
    """Calls the project service with messages that are encoded already."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._record_batch: UnaryUnaryMultiCallable[bytes, RecordPredictionsResponse] = channel.unary_unary(
            f"{SERVICE}/RecordPredictions", response_deserializer=RecordPredictionsResponse.FromString
        )
        self._record_one: UnaryUnaryMultiCallable[bytes, StoredPrediction] = channel.unary_unary(
            f"{SERVICE}/RecordPrediction", response_deserializer=StoredPrediction.FromString
        )

    async def send(self, records: Sequence[PredictionRecord]) -> Sequence[ServiceError | None]:
        """Keeps 1 to 64 answers in their projects; repeating it changes nothing.

        Returns for each, in order, None where it is kept, or why it is not. Raises a kind of ServiceError where the
        call fails as a whole.
        """
        message = await asyncio.to_thread(encoded_batch, records)
        try:
            response = await self._record_batch(message, timeout=BATCH_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                # A project service of an earlier version; it may be renewed at any time, so the next batch asks again.
                return await self._send_each(records)
            raise error_from_call(error, service="project") from error
        if len(response.results) != len(records):
            raise Internal(f"The project service answered {len(response.results)} of {len(records)} predictions.")
        return [error_of_code(it.code, it.message) if it.code else None for it in response.results]

    async def _send_each(self, records: Sequence[PredictionRecord]) -> Sequence[ServiceError | None]:
        outcomes: list[ServiceError | None] = []
        for record in records:
            try:
                await self._record_one(encoded_record(record), timeout=RECORD_SECONDS)
            except grpc.aio.AioRpcError as error:
                outcome = error_from_call(error, service="project")
                if isinstance(outcome, Unavailable):
                    return [*outcomes, *[outcome] * (len(records) - len(outcomes))]
                outcomes.append(outcome)
            else:
                outcomes.append(None)
        return outcomes
