"""Fine-tunes several times: a trial that leaves the held-out images out, to learn how long it pays; repeats that leave
other images out, to learn whether it does; then for good, on all images."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from customvision.training.children.child import Reports
from customvision.training.computation.fine_tuning.activations import AS_SERVED, Activations, activations_of
from customvision.training.computation.fine_tuning.checkpoint import Checkpoint
from customvision.training.computation.fine_tuning.course import BATCH, Course, HeldOut, Lessons, Place
from customvision.training.computation.fine_tuning.kept_repeat import KeptRepeat, Logits
from customvision.training.computation.fine_tuning.network import TunableNetwork, Variables, tunable_network
from customvision.training.computation.fine_tuning.photos import Photos
from customvision.training.computation.fine_tuning.time_left import TimeLeft
from customvision.training.computation.head_fit import image_weights
from customvision.training.computation.inner_products import Rows
from customvision.training.computation.left_out import even_share
from customvision.training.computation.material import Material
from customvision.training.runs.event import FineTuningCourse
from customvision.vision.head import Head

# How much of the time goes into looking at the photos.
VIEWS_SHARE = 0.3
# The trial's share of the time for both: the other course has a quarter more images.
TRIAL_SHARE = 0.42
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 400, 8, 24
# A course for good that is cut shorter, by kills or a busy machine, is worth less than what the trial came to.
FEWEST_OF_EPOCHS = 0.5
# The first step of a course takes most of this, while TensorFlow looks at the network.
FEWEST_SECONDS = 5.0
# How far from the backbone's own weights towards the fine-tuned ones: in between, a network often does best (Wortsman
# et al., "Robust Fine-Tuning of Zero-Shot Models", 2022).
MIXES = (0.5, 0.75, 1.0)
# The share of what is left that a repeat may take at most, and how many courses the last one must leave time for.
REPEAT_SHARE, COURSES_KEPT = 0.4, 2.5
# So many held-out images tell for themselves. Fewer often find the best epoch too early; repeats then tell whether more
# epochs do harm.
ENOUGH_HELD_OUT, FEWEST_REPEATED_EPOCHS = 200, 6
# More would only take longer to look at after each epoch.
MAX_WATCHED = 500


@dataclass(frozen=True)
class Mixed:
    """A network on the way to the fine-tuned one: its logits float64[n, t] of images left out, its variables."""

    logits: Logits
    variables: Variables


@dataclass(frozen=True)
class Trial:
    """What the trial came to: after the epochs that did best, the networks by mix. ``seconds`` it took."""

    epochs: int
    mixes: Mapping[float, Mixed]
    seconds: float


@dataclass(frozen=True)
class Repeats:
    """What fine-tuned networks say of images that they were not fine-tuned on, each of its own network.

    ``rows`` int64[n] of the data set; ``logits`` float64[n, t] by mix.
    """

    rows: Rows
    logits: Mapping[float, Logits]


class FineTuner:
    """Fine-tunes the network in ``weights_file`` on ``material``, whose ``photos`` are there for every image."""

    def __init__(
        self,
        weights_file: Path,
        material: Material,
        photos: Photos,
        folds: Sequence[Rows],
        folder: Path,
        reports: Reports,
        seconds: Callable[[], float],
    ) -> None:
        """``folds`` are those to repeat on, rows that are learned from; courses keep their checkpoints in ``folder``;
        ``seconds`` are left for everything.
        """
        self._weights_file, self._material, self._photos, self._folds = weights_file, material, photos, folds
        self._folder, self._reports, self._seconds = folder, reports, seconds
        self._time_left = TimeLeft(seconds)
        self._truth = material.data_set.truth()
        self._network: TunableNetwork | None = None
        self._activations: Activations | None = None
        self._origin = _origin_of(weights_file, material)

    def look(self, head: Head, reached: Callable[[float], None]) -> None:
        """Computes what the frozen part of the network makes of the photos. Comes before all else.

        ``reached`` hears the share that is done. Raises TooManyPhotos.
        """
        self._network = tunable_network(self._weights_file, head)
        self._activations = activations_of(self._network, self._photos, VIEWS_SHARE * self._seconds(), reached)

    def epochs(self) -> int:
        """How many epochs a course of this data set has at most."""
        return int(np.clip(round(STEPS * BATCH / len(self._truth)), FEWEST_EPOCHS, MOST_EPOCHS))

    def trial(self, head: Head) -> Trial:
        """Fine-tunes from ``head``, which has not seen the held-out images. Raises Diverged."""
        began, network = time.monotonic(), self._network_of_course(0, self.epochs(), head)
        before, learned = network.tunable, self._material.learned
        held_out = np.flatnonzero(~learned)
        watched = held_out[even_share(self._truth[held_out], MAX_WATCHED)] if len(held_out) else held_out
        place = Place(FineTuningCourse.TRIAL, len(self._folds))
        course = self._course("trial", self.epochs(), TRIAL_SHARE, place)
        epochs = course.run(
            network,
            self._lessons(learned),
            HeldOut(
                *self._as_served(watched),
                self._truth[watched],
                fewest_epochs=FEWEST_REPEATED_EPOCHS if len(held_out) < ENOUGH_HELD_OUT else 1,
            ),
            self._reports,
        )
        mixes = self._mixes(network, before, held_out)
        return Trial(epochs, mixes, course.spent + time.monotonic() - began)

    def repeats(self, head_without: Callable[[Rows], Head], trial: Trial) -> Repeats:
        """Fine-tunes as long as the trial did best, each time without one fold.

        ``head_without`` gives the quick head that has not seen it. What an earlier attempt finished is not done again.
        Ends where the time that is left is needed for the course on all images. Raises Diverged.
        """
        kept: list[KeptRepeat] = []
        took = trial.seconds
        for number, fold in enumerate(self._folds, start=1):
            file = self._folder / f"repeat-{number}-answers.npz"
            repeat = KeptRepeat.load(file, self._origin, fold)
            if repeat is None:
                if self._seconds() < COURSES_KEPT * took:
                    break
                repeat = self._repeat(number, fold, head_without(fold), trial.epochs)
                repeat.save(file, self._origin)
            # What it answers is all that is needed of it.
            self._checkpoint_file(f"repeat-{number}").unlink(missing_ok=True)
            kept.append(repeat)
            took = repeat.seconds
        if not kept:
            return Repeats(np.empty(0, np.int64), {})
        rows = np.concatenate([repeat.rows for repeat in kept])
        return Repeats(rows, {mix: np.concatenate([repeat.logits[mix] for repeat in kept]) for mix in MIXES})

    def for_good(self, head: Head, trial: Trial, mix: float) -> TunableNetwork:
        """Returns the network fine-tuned from ``head`` on all images, as long as the trial did best, so far towards the
        fine-tuned one as ``mix`` says; that of the trial where there is no time for it. Raises Diverged.
        """
        network = self._network_of_course(len(self._folds) + 1, trial.epochs, head)
        if self._seconds() < FEWEST_SECONDS:
            network.set_tunable(trial.mixes[mix].variables)
            return network
        before = network.tunable
        course = self._course("final", trial.epochs, 1.0, Place(FineTuningCourse.FINAL, len(self._folds)))
        epochs = course.run(network, self._lessons(np.ones(len(self._truth), dtype=np.bool_)), None, self._reports)
        enough = epochs >= FEWEST_OF_EPOCHS * trial.epochs
        network.set_tunable(_mixed(before, network.tunable, mix) if enough else trial.mixes[mix].variables)
        return network

    def _repeat(self, number: int, fold: Rows, head: Head, epochs: int) -> KeptRepeat:
        began, network = time.monotonic(), self._network_of_course(number, epochs, head)
        before, learned = network.tunable, self._material.learned
        learned[fold] = False
        place = Place(FineTuningCourse.REPEAT, len(self._folds), repeat=number)
        course = self._course(f"repeat-{number}", epochs, REPEAT_SHARE, place)
        course.run(network, self._lessons(learned), None, self._reports)
        logits = {mix: mixed.logits for mix, mixed in self._mixes(network, before, fold).items()}
        return KeptRepeat(fold, logits, course.spent + time.monotonic() - began)

    def _network_of_course(self, number: int, epochs: int, head: Head) -> TunableNetwork:
        """Returns the network as a course begins with it, whose time counts from here on.

        All courses begin with the same one: to build it takes seconds. Of the courses 0 is the trial, then come the
        repeats, then the one on all images.
        """
        learned = int(self._material.learned.sum())
        images = [learned, *(learned - len(fold) for fold in self._folds), len(self._truth)]
        batches = [epochs * -(-count // BATCH) for count in images]
        self._time_left.begin(batches[number], batches[number + 1 :])
        assert self._network is not None  # noqa: S101 - look comes first
        self._network.begin(head)
        return self._network

    def _course(self, name: str, epochs: int, share: float, place: Place) -> Course:
        file = self._checkpoint_file(name)
        checkpoint = Checkpoint.load(file, self._origin)
        # What the course took before a kill is a part of its share.
        spent = checkpoint.seconds if checkpoint else 0.0
        seconds = share * (spent + self._seconds())
        return Course(epochs, seconds, spent, file, self._origin, place, self._time_left)

    def _checkpoint_file(self, name: str) -> Path:
        return self._folder / f"{name}.npz"

    def _lessons(self, learned: npt.NDArray[np.bool_]) -> Lessons:
        multilabel = self._material.data_set.multilabel
        weights = np.zeros(len(self._truth))
        weights[learned] = image_weights(self._truth[learned], multilabel=multilabel)
        return Lessons(self._looks, np.flatnonzero(learned), self._truth, weights, multilabel)

    def _mixes(self, network: TunableNetwork, before: Variables, rows: npt.NDArray[np.int64]) -> dict[float, Mixed]:
        after, mixes = network.tunable, {}
        for mix in MIXES:
            network.set_tunable(_mixed(before, after, mix))
            mixes[mix] = Mixed(self._logits(network, rows), network.tunable)
        return mixes

    def _logits(self, network: TunableNetwork, rows: npt.NDArray[np.int64]) -> Logits:
        return network.logits(*self._as_served(rows))

    def _as_served(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.float16]]:
        return self._looks.maps[AS_SERVED][rows], self._looks.levels[AS_SERVED][rows]

    @property
    def _looks(self) -> Activations:
        assert self._activations is not None  # noqa: S101 - look comes first
        return self._activations


def _origin_of(weights_file: Path, material: Material) -> str:
    digest = hashlib.sha256(weights_file.read_bytes())
    digest.update(repr((material.data_set.labels, material.data_set.images)).encode())
    return digest.hexdigest()


def _mixed(before: Variables, after: Variables, mix: float) -> Variables:
    return [(1 - mix) * old + mix * new for old, new in zip(before, after, strict=True)]
