"""Starts KServe's server with the model: `kserve_server.py FOLDER GRPC_PORT HTTP_PORT`."""

import asyncio
import logging
import sys
from pathlib import Path

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer
from rivals.same_model import NAME, OUTPUT, SameModel, model_threads


class SameModelOfKServe(Model):
    """Computes on threads, so that its event loop reads requests meanwhile."""

    def __init__(self, folder: Path) -> None:
        super().__init__(NAME)
        self._model = SameModel(folder)
        self._threads = model_threads()
        self.ready = True

    async def predict(
        self, payload: InferRequest, headers: object = None, response_headers: object = None
    ) -> InferResponse:
        """Answers one image."""
        del headers, response_headers
        data = payload.inputs[0].as_numpy().item()
        probabilities = await asyncio.get_running_loop().run_in_executor(self._threads, self._model.probabilities, data)
        output = InferOutput(OUTPUT, [len(probabilities)], "FP32")
        output.set_data_from_numpy(probabilities)
        return InferResponse(payload.id or "", NAME, [output])


if __name__ == "__main__":
    place, grpc_number, http_number = sys.argv[1:]
    server = ModelServer(
        http_port=int(http_number), grpc_port=int(grpc_number), workers=1, enable_latency_logging=False
    )
    # Else it writes a line for each call.
    logging.getLogger("kserve").setLevel(logging.WARNING)
    server.start([SameModelOfKServe(Path(place))])
