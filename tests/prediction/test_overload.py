"""More calls at one moment than a prediction service can answer."""

import asyncio

import grpc
import pytest

from customvision.common.channel import open_channel
from customvision.common.errors import ResourceExhausted
from customvision.common.keys import Keys
from customvision.common.processors import available_cores
from customvision.common.status import error_from_call
from customvision.prediction.predictor import MAX_WAITING
from models import model
from pictures import photo
from prediction.held_predictions import HeldPredictions
from prediction.running_suite import PATIENCE_SECONDS, Prediction, Suite

RED = photo(1, color=(220, 40, 90))
# Half of the three quarters that a key may hold.
SHARE_OF_A_PROJECT = (MAX_WAITING + 3 * available_cores()) * 3 // 4 // 2


async def test_what_is_too_much_is_refused_at_once_and_the_rest_answered(
    suite: Suite, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refusals name the time to come back; other projects, and the other key, have room; nobody admitted is lost."""
    for project_id in ("p", "other"):
        suite.project.publish(project_id, "m", f"i-{project_id}", model())
    async with suite.prediction() as owner:
        await owner.serving("i-other", "i-p")
        held = HeldPredictions(monkeypatch)
        async with open_channel(owner.address, Keys(training_key=keys.prediction_key, prediction_key="")) as channel:
            caller = Prediction(channel, owner.address, owner.stop)
            calls = [asyncio.ensure_future(caller.predict("p", "m", RED)) for _ in range(SHARE_OF_A_PROJECT + 20)]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while sum(call.done() for call in calls) < 20:
                    await asyncio.sleep(0.01)
            spared = [caller.predict("other", "m", RED), owner.predict("p", "m", RED), owner.predict("other", "m", RED)]
            spared_calls = asyncio.gather(*spared)
            await held.until_begun(2 * available_cores() + 2)
            held.release()
            answers = await spared_calls
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [answer.iteration_id for answer in answers] == ["i-other", "i-p", "i-other"]
    refusals = [it for it in outcomes if isinstance(it, grpc.aio.AioRpcError)]
    assert len(refusals) == 20
    for refusal in refusals:
        error = error_from_call(refusal, service="prediction")
        assert isinstance(error, ResourceExhausted)
        assert error.reason == "PREDICTION_QUEUE_FULL"
        assert error.retry_after is not None
        assert 0 < error.retry_after <= 30
