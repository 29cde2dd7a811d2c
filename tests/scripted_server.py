"""A real gRPC server whose answers a test writes, and which breaks off where the test wants it to."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import grpc
from google.protobuf import message_factory

from customvision.common.server import MAX_RECEIVE_BYTES
from customvision.v1 import prediction_service_pb2, project_service_pb2, training_service_pb2

OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES)]
SERVICES = [
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (project_service_pb2, "ProjectService"),
        (training_service_pb2, "TrainingService"),
        (prediction_service_pb2, "PredictionService"),
    )
]


@dataclass(frozen=True)
class ScriptedCall:
    """A call as it arrived: its ``request``, or all of them for a client stream, and which call of its method it is."""

    request: Any
    context: Any
    number: int

    def fail(self, code: grpc.StatusCode, message: str = "scripted") -> None:
        """Ends the call with a bare status, as a proxy or a dying server would."""
        self.context.abort(code, message)


class ScriptedServer:
    """Serves scripts by method name, on a port of its own choice, between entering and leaving it.

    A script takes a ScriptedCall and returns the response, or yields the responses of a stream. A stream of requests
    is read to its end first. ``calls`` has what arrived, by method name. A method without a script is not implemented.
    """

    def __init__(self, scripts: Mapping[str, Callable[[ScriptedCall], Any]], port: int = 0) -> None:
        self.answer(scripts)
        self._server = grpc.server(ThreadPoolExecutor(8), options=OPTIONS)
        for service in SERVICES:
            handlers = {method.name: self._handler(method) for method in service.methods}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.address = f"127.0.0.1:{self.port}"

    def answer(self, scripts: Mapping[str, Callable[[ScriptedCall], Any]]) -> None:
        """Answers by these scripts from now on, and forgets the calls that arrived."""
        self.calls: dict[str, list[ScriptedCall]] = {name: [] for name in scripts}
        self._scripts = scripts

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stop(None).wait()

    def _handler(self, method: Any) -> Any:
        deserialize = message_factory.GetMessageClass(method.input_type).FromString

        def call(request: Any, context: Any) -> Any:
            if method.name not in self._scripts:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
            arrived = list(request) if method.client_streaming else request
            calls = self.calls[method.name]
            calls.append(ScriptedCall(arrived, context, len(calls) + 1))
            return self._scripts[method.name](calls[-1])

        def stream(request: Any, context: Any) -> Any:
            yield from call(request, context)

        kinds = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        kind = kinds[method.client_streaming, method.server_streaming]
        return kind(
            stream if method.server_streaming else call,
            request_deserializer=deserialize,
            response_serializer=lambda response: response.SerializeToString(),
        )
