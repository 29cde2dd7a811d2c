"""The messages that records travel in."""

from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from customvision.prediction.model import TagProbability
from customvision.prediction.project_client import tag_probability_messages
from customvision.prediction.publication import ModelName, PublishedModel
from customvision.prediction.record_messages import encoded_batch, encoded_record
from customvision.prediction.stored_predictions import PredictionRecord
from customvision.v1.stored_predictions_pb2 import RecordPredictionRequest, RecordPredictionsRequest

TEXTS = st.text(max_size=40)
RECORDS = st.builds(
    PredictionRecord,
    prediction_id=TEXTS,
    published=st.builds(PublishedModel, st.builds(ModelName, TEXTS, TEXTS), TEXTS, TEXTS, TEXTS),
    # Lengths around those that take another byte to tell.
    image_data=st.sampled_from([0, 127, 128, 16_383, 16_384, 2**21]).map(bytes) | st.binary(max_size=99),
    predictions=st.lists(st.builds(TagProbability, TEXTS, TEXTS, st.floats(0, 1)), max_size=3).map(tuple),
    application=TEXTS,
)


def message(record: PredictionRecord) -> RecordPredictionRequest:
    """Returns the message as protobuf builds it."""
    return RecordPredictionRequest(
        prediction_id=record.prediction_id,
        project_id=record.published.name.project_id,
        publish_name=record.published.name.publish_name,
        iteration_id=record.published.iteration_id,
        image_data=record.image_data,
        predictions=tag_probability_messages(record.predictions),
        application=record.application,
    )


@settings_of(max_examples=30, deadline=None)
@given(st.lists(RECORDS, max_size=3))
def test_joined_pieces_are_the_message_that_protobuf_builds(records: list[PredictionRecord]) -> None:
    """Whatever the fields and lengths, the other side reads what was meant, alone or in a batch."""
    batch = RecordPredictionsRequest(predictions=map(message, records))
    assert RecordPredictionsRequest.FromString(encoded_batch(records)) == batch
    for record in records:
        assert RecordPredictionRequest.FromString(encoded_record(record)) == message(record)
