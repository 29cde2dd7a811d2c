"""The model as a custom runtime of MLServer, the way its documentation shows."""

import asyncio
from pathlib import Path

from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from rivals.same_model import OUTPUT, SameModel, model_threads


class SameModelRuntime(MLModel):
    """Computes on threads, so that its event loop reads requests meanwhile."""

    async def load(self) -> bool:
        """Loads the model from the folder that the settings name."""
        self._model = SameModel(Path(self.settings.parameters.uri))
        self._threads = model_threads()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers one image."""
        data = payload.inputs[0].data.root[0]
        probabilities = await asyncio.get_running_loop().run_in_executor(self._threads, self._model.probabilities, data)
        output = ResponseOutput(name=OUTPUT, shape=[len(probabilities)], datatype="FP32", data=probabilities.tolist())
        return InferenceResponse(model_name=self.name, outputs=[output])
