"""What models answer, as the API tells it: built for JSON as it is, for predictions come by the hundred a second."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from customvision.gateway.rest.fields import moment_text
from customvision.v1 import prediction_service_pb2, stored_predictions_pb2


def image_prediction_response(
    project_id: str, answer: prediction_service_pb2.PredictResponse, types: Mapping[str, str]
) -> Response:
    """Returns the response of a prediction made just now; one that is not kept gets an id of its own."""
    content = {
        "id": answer.prediction_id or str(uuid.uuid4()),
        "project": project_id,
        "iteration": answer.iteration_id,
        "created": moment_text(datetime.now(UTC)),
        "predictions": probabilities(answer.predictions, types),
    }
    return json_response(content)


def probabilities(
    predictions: Iterable[stored_predictions_pb2.TagProbability], types: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Returns the probabilities of an answer in their order; a tag that is gone has no type."""
    return [
        {
            "probability": each.probability,
            "tagId": each.tag_id,
            "tagName": each.tag_name,
            **({"tagType": types[each.tag_id]} if each.tag_id in types else {}),
        }
        for each in predictions
    ]


def json_response(content: object) -> Response:
    """Returns ``content`` as a response in JSON."""
    return Response(json.dumps(content, separators=(",", ":")), media_type="application/json")
