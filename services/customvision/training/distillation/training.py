"""The student learns: lesson by lesson, each followed by a checkpoint and a line in the log."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from customvision.training.backbones.network import bare_network_from_file
from customvision.training.backbones.weights_file import WeightsUnusable
from customvision.training.distillation.checkpoint import Checkpoint
from customvision.training.distillation.crops import Crops, make_plain_crops, make_views
from customvision.training.distillation.drawn_pictures import SIDE
from customvision.training.distillation.lesson_log import LessonLog
from customvision.training.distillation.lessons import Lesson, lessons
from customvision.training.distillation.objective import Objective
from customvision.training.distillation.recipe import Recipe
from customvision.training.distillation.student import MOMENTUM, student_network, with_readers
from customvision.training.distillation.teacher import Teacher
from customvision.vision.artifacts import digest_of

LOG_FILE = "log.csv"
WARM_UP_SHARE = 0.02

Learned = Callable[[int, float], None]


class Distillation:
    """A student, its teacher, and how far they have come; goes on where the folder's checkpoint stands."""

    def __init__(
        self, recipe: Recipe, photos: Sequence[Path], teacher_file: Path, folder: Path, start_file: Path | None = None
    ) -> None:
        """Begins with the weights in ``start_file``, or from scratch, unless the folder has a checkpoint.

        Both files are what given_weights takes. Raises WeightsUnusable, CheckpointUnusable, PhotosUnreadable.
        """
        keras.utils.set_random_seed(recipe.seed)
        self._recipe, self._photos = recipe, photos
        self._teacher = Teacher(teacher_file)
        self._keep = tf.Variable(MOMENTUM, trainable=False)
        self.student = student_network(recipe.width, self._keep)
        _check_features(recipe.width, self.student.output.shape[-1], self._teacher.classifier.shape[0])
        self._origin = {**recipe.to_record(), "teacher": self._teacher.digest}
        if start_file is not None:
            self._origin["start"] = digest_of(start_file.read_bytes())
            self.student.set_weights(bare_network_from_file(start_file).get_weights())
        self._folder = folder
        checkpoint = Checkpoint.load(folder, self._origin)
        # Their seed is that of the lesson after the last: nothing is learned from them.
        self._plain_seed = (recipe.seed, recipe.lessons)
        plain = make_plain_crops(photos, recipe.plain_crops, self._plain_seed, SIDE)
        spread = self._teacher.look(plain, recipe.sizes[-1])
        self._objective = Objective.of(spread, self._teacher.classifier, self._teacher.classifier_bias)
        self._network = with_readers(self.student, [level.shape[-1] for level in spread])
        self._optimizer = _optimizer(recipe)
        self._optimizer.build(self._network.trainable_variables)
        self.lessons_learned = 0
        if checkpoint is not None:
            self._network.set_weights(checkpoint.network)
            for variable, value in zip(self._optimizer.variables, checkpoint.optimizer, strict=True):
                variable.assign(value)
            self.lessons_learned = checkpoint.lessons
        self._log = LessonLog(folder / LOG_FILE, self.lessons_learned)

    def learn(self, learned: Learned) -> Iterator[float]:
        """Learns the lessons that are left and yields the mean loss of each, once its checkpoint is written.

        ``learned`` hears after each batch how many crops it had, and the loss.
        """
        for lesson in lessons(self._recipe, self._photos, self._teacher, self.lessons_learned):
            started = time.perf_counter()
            parts = self._learn(lesson, learned)
            self.lessons_learned += 1
            self._log.add(self._line(lesson, parts, time.perf_counter() - started))
            self._checkpoint().save(self._folder)
            yield sum(parts.values())

    def settle(self) -> None:
        """Measures the batch-norm statistics again, with the final weights, on plain crops of the student's size."""
        recipe = self._recipe
        plain = make_plain_crops(self._photos, recipe.plain_crops, self._plain_seed, recipe.input_size)
        for index in range(len(plain) // recipe.batch):
            # The mean over all batches so far.
            self._keep.assign(index / (index + 1))
            self.student(_scaled(plain[index * recipe.batch : (index + 1) * recipe.batch]), training=True)

    def views(self) -> Crops:
        """Returns uint8[photos, views, size, size, 3]: photos in several views of the size that the student is for."""
        recipe = self._recipe
        return make_views(self._photos, recipe.photos_viewed, self._plain_seed, recipe.input_size)

    def _learn(self, lesson: Lesson, learned: Learned) -> dict[str, float]:
        totals: dict[str, float] = {}
        for rows, mirrored in self._batches():
            crops, targets = lesson.batch(rows, mirrored=mirrored)
            parts = {name: float(part) for name, part in self._step(crops, targets).items()}
            totals = {name: totals.get(name, 0.0) + part for name, part in parts.items()}
            learned(len(rows), sum(parts.values()))
        return {name: total / self._recipe.steps_per_lesson for name, total in totals.items()}

    def _checkpoint(self) -> Checkpoint:
        variables = [np.asarray(variable) for variable in self._optimizer.variables]
        return Checkpoint(self._origin, self.lessons_learned, self._network.get_weights(), variables)

    def _line(self, lesson: Lesson, parts: dict[str, float], seconds: float) -> dict[str, object]:
        return {
            "lesson": self.lessons_learned,
            "crops_seen": self.lessons_learned * self._recipe.steps_per_lesson * self._recipe.batch,
            "size": lesson.crops.shape[1],
            "learning_rate": f"{float(self._optimizer.learning_rate):.6f}",
            "seconds": f"{seconds:.1f}",
            **{name: f"{part:.4f}" for name, part in parts.items()},
        }

    def _batches(self) -> Iterator[tuple[Any, bool]]:
        recipe = self._recipe
        # The third number sets the order of batches apart from the crops, which count their openings there.
        random = np.random.default_rng((recipe.seed, self.lessons_learned, recipe.crops))
        for _ in range(recipe.passes):
            order = random.permutation(recipe.crops)
            for rows in order[: recipe.crops // recipe.batch * recipe.batch].reshape(-1, recipe.batch):
                yield rows, bool(random.random() < 0.5)

    @tf.function(reduce_retracing=True, autograph=False)  # type: ignore[untyped-decorator]
    def _step(self, crops: Any, targets: Any) -> Any:
        wanted = [tf.cast(level, tf.float32) for level in targets]
        with tf.GradientTape() as tape:
            parts = self._objective.parts(self._network(_scaled(crops), training=True), wanted)
            loss = tf.add_n(list(parts.values()))
        variables = self._network.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return parts


def _check_features(width: float, own: int, teachers: int) -> None:
    if own != teachers:
        raise WeightsUnusable(
            f"A student of width {width} has {own} features and this teacher {teachers}. Up to width 1.0 all have "
            "1280; above, choose the same width for both."
        )


def _optimizer(recipe: Recipe) -> Any:
    steps = recipe.lessons * recipe.steps_per_lesson
    warm_up = int(steps * WARM_UP_SHARE)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, steps - warm_up, alpha=0.01, warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def _scaled(crops: Any) -> Any:
    return tf.cast(crops, tf.float32) / 127.5 - 1.0
