"""What is counted of gRPC calls, under the names that servers of other languages use, too."""

from dataclasses import dataclass

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From an answer out of memory to an upload; what lasts longer is a watch.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LABELS = ("grpc_type", "grpc_service", "grpc_method")


@dataclass(frozen=True)
class Method:
    """A method that there is, and whether each side streams."""

    service: str
    name: str
    request_streaming: bool
    response_streaming: bool

    @property
    def path(self) -> str:
        """How gRPC names it."""
        return f"/{self.service}/{self.name}"

    @property
    def labels(self) -> tuple[str, str, str]:
        """The values of LABELS."""
        kinds = {(False, False): "UNARY", (True, False): "CLIENT_STREAMING", (False, True): "SERVER_STREAMING"}
        kind = kinds.get((self.request_streaming, self.response_streaming), "BIDI_STREAMING")
        return (kind, self.service, self.name)


class CallMetrics:
    """The figures of a server's calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.started = Counter("grpc_server_started", "Calls begun", LABELS, registry=registry)
        self.handled = Counter(
            "grpc_server_handled", "Calls ended, by status code", (*LABELS, "grpc_code"), registry=registry
        )
        self.seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time from a call's begin to its end",
            LABELS,
            buckets=BUCKETS,
            registry=registry,
        )
        self.received = Counter("grpc_server_msg_received", "Messages of streams that came", LABELS, registry=registry)
        self.sent = Counter("grpc_server_msg_sent", "Messages of streams that went", LABELS, registry=registry)
        self.open = Gauge(
            "customvision_open_calls",
            "Calls that have begun and not ended, watches included",
            LABELS,
            registry=registry,
        )
        self.errors = Counter(
            "customvision_call_errors",
            "Calls answered with an error, by its reason",
            ("grpc_service", "grpc_method", "reason"),
            registry=registry,
        )

    def of(self, method: Method) -> "MethodMetrics":
        """Returns the figures of one method. To be kept: looking series up by their labels is what costs."""
        return MethodMetrics(self, method)


class MethodMetrics:
    """The figures of one method, each series looked up once. Belongs to one event loop."""

    def __init__(self, calls: CallMetrics, method: Method) -> None:
        self._calls = calls
        self._labels = method.labels
        self._open = 0
        self._started = calls.started.labels(*self._labels)
        self._seconds = calls.seconds.labels(*self._labels)
        self._handled: dict[grpc.StatusCode, Counter] = {}
        calls.open.labels(*self._labels).set_function(lambda: self._open)
        self._received = calls.received.labels(*self._labels) if method.request_streaming else None
        self._sent = calls.sent.labels(*self._labels) if method.response_streaming else None

    def begin(self) -> None:
        """Counts a call that begins."""
        self._open += 1
        self._started.inc()

    def end(self, code: grpc.StatusCode, seconds: float) -> None:
        """Counts a call that ended with ``code`` after ``seconds``."""
        self._open -= 1
        handled = self._handled.get(code)
        if handled is None:
            handled = self._handled[code] = self._calls.handled.labels(*self._labels, code.name)
        handled.inc()
        self._seconds.observe(seconds)

    def receive(self) -> None:
        """Counts a message of a stream that came."""
        if self._received is not None:
            self._received.inc()

    def send(self) -> None:
        """Counts a message of a stream that is about to go."""
        if self._sent is not None:
            self._sent.inc()

    def fail(self, reason: str) -> None:
        """Counts a call that is refused, or fails, for a ``reason`` of ours."""
        self._calls.errors.labels(*self._labels[1:], reason).inc()
