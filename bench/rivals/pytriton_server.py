"""Starts PyTriton with the model: `pytriton_server.py FOLDER GRPC_PORT HTTP_PORT`."""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from rivals.same_model import INPUT, NAME, OUTPUT, THREADS, SameModel


def main() -> None:
    """Binds as many instances of one function as there are threads; each is asked on a thread of its own."""
    place, grpc_port, http_port = sys.argv[1:]
    model = SameModel(Path(place))

    def infer(requests: list[dict[str, npt.NDArray[np.object_]]]) -> list[dict[str, npt.NDArray[np.float32]]]:
        return [{OUTPUT: model.probabilities(bytes(request[INPUT].item()))} for request in requests]

    config = TritonConfig(
        grpc_address="127.0.0.1",
        grpc_port=int(grpc_port),
        http_address="127.0.0.1",
        http_port=int(http_port),
        allow_metrics=False,
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name=NAME,
            infer_func=[infer] * THREADS,
            inputs=[Tensor(name=INPUT, dtype=bytes, shape=(1,))],
            outputs=[Tensor(name=OUTPUT, dtype=np.float32, shape=(model.tags,))],
            config=ModelConfig(batching=False),
        )
        triton.serve()


if __name__ == "__main__":
    main()
