"""The figures of the prediction service."""

import prometheus_client

from customvision.common.service_metrics import ServiceMetrics
from customvision.prediction.predictor import Predictor
from customvision.prediction.registry import Registry
from customvision.prediction.residency import Residency
from customvision.prediction.stages import Stage
from customvision.prediction.stored_predictions import StoredPredictions

# A head takes microseconds, a queue or a photo of many megapixels up to a second.
STAGE_BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class StageSeconds:
    """How long the stages of answers take. Thread-safe."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        seconds = prometheus_client.Histogram(
            "customvision_prediction_stage_seconds",
            "Time that images spend in each stage of their answer",
            ["stage"],
            buckets=STAGE_BUCKETS,
            registry=metrics.registry,
        )
        # Looked up once: this is called four times for each image.
        self._observe = {stage: seconds.labels(stage.value).observe for stage in Stage}

    def observe(self, stage: Stage, seconds: float) -> None:
        """Counts one image's time in a stage."""
        self._observe[stage](seconds)


def add_prediction_metrics(
    metrics: ServiceMetrics,
    predictor: Predictor,
    registry: Registry,
    residency: Residency,
    stored: StoredPredictions,
) -> None:
    """Adds what the parts of the service know of themselves."""
    metrics.gauge(
        "customvision_prediction_queue_depth", "Images that wait for a thread", lambda: predictor.queued_count
    )
    metrics.counters(
        "customvision_prediction_refused_total",
        "Images that got no answer, by the reason of the error",
        "reason",
        lambda: dict(predictor.refusals.counts),
    )
    metrics.gauges(
        "customvision_prediction_models",
        "Published models, by state",
        "state",
        lambda: {state.value: count for state, count in registry.states().items()},
    )
    metrics.gauge(
        "customvision_prediction_model_bytes",
        "Memory that the models that answer hold for themselves, without the networks that they share",
        registry.memory_bytes,
    )
    metrics.gauge(
        "customvision_prediction_tail_bytes",
        "Memory of the fine-tuned networks that are in memory, by estimate",
        lambda: residency.held_bytes,
    )
    metrics.gauge(
        "customvision_prediction_stored_waiting",
        "Answers to keep that project has yet to take",
        lambda: stored.unsent_count,
    )
    metrics.counter("customvision_prediction_stored_sent_total", "Answers that project took", lambda: stored.sent_count)
    metrics.counters(
        "customvision_prediction_stored_dropped_total",
        "Answers to keep that were dropped, by why",
        "reason",
        lambda: {str(reason): count for reason, count in list(stored.dropped.items())},
    )
