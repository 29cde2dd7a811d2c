"""One course of fine-tuning: epochs with a schedule, watched, checkpointed, and ended in time."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from customvision.training.children.child import Reports
from customvision.training.computation.calibration import Truth
from customvision.training.computation.fine_tuning.activations import Activations
from customvision.training.computation.fine_tuning.batches import Batches
from customvision.training.computation.fine_tuning.checkpoint import Checkpoint
from customvision.training.computation.fine_tuning.network import TunableNetwork
from customvision.training.computation.fine_tuning.time_left import TimeLeft
from customvision.training.computation.phases import SECONDS_BETWEEN
from customvision.training.runs.event import FineTuningCourse

BATCH = 32
LEARNING_RATE, WEIGHT_DECAY = 1e-4, 0.02
WARM_UP, LAST_SHARE = 0.1, 0.02
# Epochs in which the held-out loss may fail to fall.
PATIENCE = 5


class Diverged(Exception):
    """The loss is no number any more."""


@dataclass(frozen=True)
class HeldOut:
    """Images that are not learned from, as predictions see them: maps and levels float16[n, …], truth uint8[n, t].

    They choose among the epochs from ``fewest_epochs`` on.
    """

    maps: npt.NDArray[np.float16]
    levels: npt.NDArray[np.float16]
    truth: Truth
    fewest_epochs: int = 1


@dataclass(frozen=True)
class Lessons:
    """What a course learns from: ``rows`` of photos, with the activations, truth and weights of all of them."""

    activations: Activations
    rows: npt.NDArray[np.int64]
    truth: Truth
    weights: npt.NDArray[np.float64]
    multilabel: bool


@dataclass(frozen=True)
class Place:
    """Which course it is: of ``repeats`` planned the ``repeat``-th, counted from 1, 0 where it is none."""

    course: FineTuningCourse
    repeats: int
    repeat: int = 0


@dataclass(frozen=True)
class Course:
    """``epochs`` at most, within ``seconds``; the schedule follows whichever of both is further.

    It goes on from ``checkpoint``, where there is one of the same ``origin``; ``seconds`` count what that took as well,
    which was ``spent``. ``place`` and ``time_left`` are for telling how far it is.
    """

    epochs: int
    seconds: float
    spent: float
    checkpoint: Path
    origin: str
    place: Place
    time_left: TimeLeft

    def run(self, network: TunableNetwork, lessons: Lessons, held_out: HeldOut | None, reports: Reports) -> int:
        """Fine-tunes ``network`` and returns the epochs of which it has the outcome.

        With ``held_out`` those are the epochs up to the one that it chooses by the least loss; without, all that there
        was time for. Raises Diverged.
        """
        _make_ready(network.tail, multilabel=lessons.multilabel)
        watch = _Watch(self, network, held_out, lessons.multilabel, reports)
        started_at = watch.resume(Checkpoint.load(self.checkpoint, self.origin))
        batches = Batches(
            lessons.activations, lessons.rows, lessons.truth, lessons.weights, batch=BATCH, epoch=started_at
        )
        if started_at < self.epochs and not watch.over:
            network.tail.fit(
                batches, epochs=self.epochs, initial_epoch=started_at, callbacks=[watch], verbose=0, shuffle=False
            )
        return watch.outcome()


def _make_ready(tail: Any, *, multilabel: bool) -> None:
    """Gives ``tail`` an optimiser that has learned nothing yet."""
    if tail.compiled:
        # What TensorFlow made of the network, which takes seconds, serves every course.
        for variable in tail.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        return
    tail.compile(
        # XLA is several times slower at a MobileNet's convolutions on a CPU.
        jit_compile=False,
        # The schedule sets the rate; it is a variable of the optimiser.
        optimizer=keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY, clipnorm=1.0),
        loss=(keras.losses.BinaryCrossentropy if multilabel else keras.losses.CategoricalCrossentropy)(
            from_logits=True
        ),
        weighted_metrics=[
            keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
            if multilabel
            else keras.metrics.CategoricalAccuracy("accuracy")
        ],
    )
    tail.optimizer.build(tail.trainable_variables)


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the learning rate, tells progress, measures, keeps the best, writes checkpoints, and ends the course."""

    def __init__(
        self,
        course: Course,
        network: TunableNetwork,
        held_out: HeldOut | None,
        multilabel: bool,
        reports: Reports,
    ) -> None:
        super().__init__()
        self._course, self._network, self._held_out = course, network, held_out
        self._multilabel, self._reports = multilabel, reports
        self._started = time.monotonic()
        self._told = 0.0
        self._epoch, self._epochs_done = 0, 0
        self._best_epoch, self._best_loss, self._best = 0, math.inf, network.tunable
        self.over = False

    def resume(self, checkpoint: Checkpoint | None) -> int:
        """Takes up where ``checkpoint`` stands, and returns the epochs done."""
        optimizer = [np.asarray(variable) for variable in self._network.tail.optimizer.variables]
        if checkpoint is None or not checkpoint.fits(self._network.tunable, optimizer):
            return 0
        self._network.set_tunable(checkpoint.variables)
        for variable, value in zip(self._network.tail.optimizer.variables, checkpoint.optimizer, strict=True):
            variable.assign(value)
        self._started -= checkpoint.seconds
        self._epochs_done = checkpoint.epochs
        self._best_epoch, self._best_loss, self._best = checkpoint.best_epoch, checkpoint.best_loss, checkpoint.best
        self.over = self._late or self._hopeless
        return checkpoint.epochs

    def outcome(self) -> int:
        """Leaves the network as it was at its best, and returns after how many epochs that was. Raises Diverged."""
        if self._held_out is not None:
            self._network.set_tunable(self._best)
        # The last step of all may have spoiled the network, which no loss tells any more.
        if not all(np.isfinite(values).all() for values in self._network.tunable):
            raise Diverged
        return self._epochs_done if self._held_out is None else self._best_epoch

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Sets the learning rate: warm-up, then half a cosine."""
        done = max(self._share(batch), self._seconds / self._course.seconds)
        rise = min(1.0, (done + 1e-3) / WARM_UP)
        fall = LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        self.model.optimizer.learning_rate.assign(LEARNING_RATE * rise * fall)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Tells progress, and ends the course where its time is over or its loss is no number."""
        figures = logs or {}
        if not math.isfinite(figures["loss"]):
            raise Diverged
        self.model.stop_training = self._late
        self._course.time_left.reached(self._epoch * self._batches + batch + 1)
        if time.monotonic() - self._told >= SECONDS_BETWEEN:
            self._tell(batch + 1, figures)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measures, keeps the best, and writes the checkpoint."""
        self._epochs_done = epoch + 1
        loss, accuracy = self._measure()
        if loss is None or loss < self._best_loss or self._too_early:
            self._best_epoch, self._best = self._epochs_done, self._network.tunable
            self._best_loss = math.inf if loss is None else loss
        self._tell(self._batches, logs or {}, loss, accuracy)
        self._checkpoint().save(self._course.checkpoint)
        self.model.stop_training = self._late or self._hopeless

    @property
    def _late(self) -> bool:
        return self._seconds >= self._course.seconds

    @property
    def _hopeless(self) -> bool:
        return self._held_out is not None and self._epochs_done - self._best_epoch >= PATIENCE

    @property
    def _too_early(self) -> bool:
        return self._held_out is not None and self._epochs_done <= self._held_out.fewest_epochs

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def _batches(self) -> int:
        return int(self.params["steps"])

    def _share(self, batch: int) -> float:
        return (self._epoch + batch / self._batches) / self._course.epochs

    def _measure(self) -> tuple[float | None, float | None]:
        if self._held_out is None or not len(self._held_out.truth):
            return None, None
        logits, truth = self._network.logits(self._held_out.maps, self._held_out.levels), self._held_out.truth
        if self._multilabel:
            loss = float((np.logaddexp(0.0, logits) - truth * logits).mean())
            return loss, float(((logits >= 0) == (truth > 0)).mean())
        shifted = logits - logits.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - (truth * shifted).sum(axis=1)
        return float(losses.mean()), float((logits.argmax(axis=1) == truth.argmax(axis=1)).mean())

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            origin=self._course.origin,
            epochs=self._epochs_done,
            best_epoch=self._best_epoch,
            best_loss=self._best_loss,
            seconds=self._seconds,
            variables=self._network.tunable,
            best=self._best,
            optimizer=[np.asarray(variable) for variable in self._network.tail.optimizer.variables],
        )

    def _tell(
        self, batch: int, figures: dict[str, float], loss: float | None = None, accuracy: float | None = None
    ) -> None:
        self._told = time.monotonic()
        self._reports.send(
            "fine_tuning",
            epoch=self._epoch + 1,
            epochs=self._course.epochs,
            batch=batch,
            batches=self._batches,
            loss=float(figures.get("loss", 0.0)),
            accuracy=float(figures.get("accuracy", 0.0)),
            learning_rate=float(self.model.optimizer.learning_rate),
            held_out_loss=loss,
            held_out_accuracy=accuracy,
            seconds_left=self._course.time_left.seconds(self._course.seconds - self._seconds),
            course=self._course.place.course.value,
            repeat=self._course.place.repeat,
            repeats=self._course.place.repeats,
        )
