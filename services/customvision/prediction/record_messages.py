"""Records as they travel to the project service, joined from pieces: protobuf would copy each image several times."""

from collections.abc import Sequence

from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.stored_predictions import PredictionRecord
from customvision.v1.stored_predictions_pb2 import RecordPredictionRequest, RecordPredictionsRequest

# Of the protobuf encoding: a field whose value follows its length.
_LENGTH_DELIMITED = 2


def encoded_batch(records: Sequence[PredictionRecord]) -> bytes:
    """Returns a RecordPredictionsRequest in the protobuf encoding. Takes milliseconds for megabytes."""
    # join() lets other threads run while it copies megabytes.
    return b"".join(piece for record in records for piece in _entry(record))


def encoded_record(record: PredictionRecord) -> bytes:
    """Returns a RecordPredictionRequest in the protobuf encoding."""
    return b"".join(_pieces(record))


def _entry(record: PredictionRecord) -> list[bytes]:
    pieces = _pieces(record)
    return [_prefix(RecordPredictionsRequest.PREDICTIONS_FIELD_NUMBER, sum(map(len, pieces))), *pieces]


def _pieces(record: PredictionRecord) -> list[bytes]:
    """Returns the fields of a record, the image's own bytes last."""
    fields = RecordPredictionRequest(
        prediction_id=record.prediction_id,
        project_id=record.published.name.project_id,
        publish_name=record.published.name.publish_name,
        iteration_id=record.published.iteration_id,
        predictions=tag_probability_messages(record.predictions),
        application=record.application,
    )
    image_prefix = _prefix(RecordPredictionRequest.IMAGE_DATA_FIELD_NUMBER, len(record.image_data))
    return [fields.SerializeToString(), image_prefix, record.image_data]


def _prefix(field_number: int, length: int) -> bytes:
    """Returns what stands before the value of a field of that length in bytes."""
    return _varint(field_number << 3 | _LENGTH_DELIMITED) + _varint(length)


def _varint(value: int) -> bytes:
    """Returns a number seven bits a byte, the lowest first, all bytes but the last marked."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
