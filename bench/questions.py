"""Requests as they travel, serialised before anything is timed."""

from collections.abc import Sequence
from dataclasses import dataclass

from customvision.v1 import prediction_service_pb2

PREDICT = "/customvision.v1.PredictionService/Predict"
# The Open Inference Protocol, which the other servers speak.
MODEL_INFER = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Questions:
    """Each request is one of ``heads``, which name a model, followed by one of ``bodies``, which hold a photo.

    Protobuf messages may be joined so. The n-th request takes the n-th of each, beginning again at their ends.
    """

    method: str
    heads: tuple[bytes, ...]
    bodies: tuple[bytes, ...]


def predict_questions(names: Sequence[tuple[str, str]], photos: Sequence[bytes]) -> Questions:
    """Returns requests of Predict to the models of those project ids and publish names, in turn."""
    request = prediction_service_pb2.PredictRequest
    return Questions(
        PREDICT,
        tuple(request(project_id=project, publish_name=name).SerializeToString() for project, name in names),
        tuple(request(image_data=photo).SerializeToString() for photo in photos),
    )


def infer_questions(model_name: str, tensor: str, photos: Sequence[bytes]) -> Questions:
    """Returns requests of ModelInfer with each photo as a tensor of one BYTES element, shape [1]."""
    # ModelInferRequest: model_name = 1, inputs = 5 {name = 1, datatype = 2, shape = 3}, raw_input_contents = 7.
    described = _field(1, tensor.encode()) + _field(2, b"BYTES") + _field(3, b"\x01")
    head = _field(1, model_name.encode()) + _field(5, described)
    return Questions(
        MODEL_INFER,
        (head,),
        tuple(_field(7, len(photo).to_bytes(4, "little") + photo) for photo in photos),
    )


def _field(number: int, content: bytes) -> bytes:
    """Returns a length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
