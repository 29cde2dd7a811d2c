"""``make backbone``: trains a small backbone that sees in pictures what a larger one, its teacher, sees in them."""

import os
import sys

# Before TensorFlow is imported, and it reads this once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from customvision.common.errors import ConfigurationError
from customvision.common.folder_lock import FolderLock
from customvision.training.backbones.architectures import LARGEST_INPUT_SIZE, MOBILENET_V2, STRIDE, is_input_size
from customvision.training.backbones.weights_file import WeightsUnusable
from customvision.training.distillation.checkpoint import CheckpointUnusable
from customvision.training.distillation.crops import PhotosUnreadable, find_photos
from customvision.training.distillation.given_weights import check_start, check_teacher
from customvision.training.distillation.recipe import Recipe

WEIGHTS_FILE = "backbone.weights.h5"
WIDTHS = MOBILENET_V2.widths
SMOOTHING = 0.98
EXIT_INTERRUPTED = 130

Learned = Callable[[int, float], None]

console = Console(stderr=True, markup=False, highlight=False)


def distil(
    photos: Annotated[
        list[Path], typer.Argument(help="Folders of photos of any kind; those below them count too.", exists=True)
    ],
    teacher: Annotated[
        Path,
        typer.Option(
            envvar="CUSTOMVISION_TEACHER_WEIGHTS",
            help="The teacher: a weights file of Keras' MobileNetV2 with its classifier.",
            exists=True,
        ),
    ],
    folder: Annotated[Path, typer.Option(help="Where checkpoint, log and result go; goes on with what is there.")],
    lessons: Annotated[int, typer.Option(min=1, help="How long: the more, the better it gets.")] = 32,
    crops: Annotated[int, typer.Option(min=64, help="Crops in a lesson; each is learned from six times.")] = 4096,
    width: Annotated[float, typer.Option(help=f"The student's width, one of {', '.join(map(str, WIDTHS))}.")] = 0.5,
    input_size: Annotated[int, typer.Option(help="The side in pixels of what the student will see.")] = 160,
    sizes: Annotated[
        str, typer.Option(help="Sides in pixels of what it learns from, each for an equal share of the lessons.")
    ] = "64,64,96,96,128",
    learning_rate: Annotated[float, typer.Option(min=0.0, help="The largest of the schedule.")] = 3e-3,
    start: Annotated[
        Path | None,
        typer.Option(help="A weights file to begin with, of the same width, instead of from scratch.", exists=True),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, other crops and another student.")] = 0,
) -> None:
    """Train a small backbone by distillation. Run again, it goes on where it was stopped."""
    if width not in WIDTHS:
        raise typer.BadParameter(f"There is no width {width}; there are {', '.join(map(str, WIDTHS))}.")
    recipe = Recipe(
        width=width,
        input_size=_checked_size(input_size),
        sizes=tuple(_checked_size(size) for size in sizes.split(",")),
        lessons=lessons,
        crops=crops,
        learning_rate=learning_rate,
        seed=seed,
    )
    files = find_photos(photos)
    if not files:
        raise typer.BadParameter(f"There are no pictures in {', '.join(map(str, photos))}.")
    _say(f"{len(files):,} photos; {recipe.lessons} lessons of {recipe.crops:,} crops; teacher {teacher.name}.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        FolderLock(folder, user="backbone")
        _distil(recipe, files, teacher, folder, start)
    except (WeightsUnusable, CheckpointUnusable, PhotosUnreadable) as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except ConfigurationError as error:
        _say(f"Another `make backbone` works in {folder}. Wait for it, or name another folder.")
        raise typer.Exit(1) from error
    except OSError as error:
        _say(f"A file cannot be read or written: {error}. Mend that and run the same command; it goes on.")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        _say("Stopped. The same command goes on after the last lesson that was finished.")
        # The next lesson is being prepared in a thread; nobody waits for it any more.
        os._exit(EXIT_INTERRUPTED)


def _checked_size(size: int | str) -> int:
    if not str(size).strip().isdecimal() or not is_input_size(int(size)):
        raise typer.BadParameter(f"A size is {size}; it must be a multiple of {STRIDE} up to {LARGEST_INPUT_SIZE}.")
    return int(size)


def _distil(recipe: Recipe, files: list[Path], teacher: Path, folder: Path, start: Path | None) -> None:
    check_teacher(teacher)
    if start is not None:
        check_start(start, recipe.width)
    # TensorFlow takes seconds to load; a mistyped option should not.
    from customvision.training.distillation.training import Distillation
    from customvision.training.distillation.weights import save_student

    distillation = Distillation(recipe, files, teacher, folder, start)
    with _bar(recipe, distillation.lessons_learned) as learned:
        for loss in distillation.learn(learned):
            if not console.is_terminal:
                _say(f"lesson {distillation.lessons_learned} of {recipe.lessons}: loss {loss:.3f}")
    _say("Measuring the final statistics, and how features differ from view to view…")
    distillation.settle()
    save_student(distillation.student, recipe.width, distillation.views(), folder / WEIGHTS_FILE)
    _say(f"The backbone is {folder / WEIGHTS_FILE}; name it in CUSTOMVISION_BACKBONE_WEIGHTS to use it.")


@contextmanager
def _bar(recipe: Recipe, lessons_learned: int) -> Iterator[Learned]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("crops, loss {task.fields[loss]:.3f},"),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    each = recipe.steps_per_lesson * recipe.batch
    smooth = 0.0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("learning", total=recipe.lessons * each, completed=lessons_learned * each, loss=smooth)

        def learned(crops: int, loss: float) -> None:
            nonlocal smooth
            smooth = SMOOTHING * smooth + (1 - SMOOTHING) * loss if smooth else loss
            progress.update(task, advance=crops, loss=smooth)

        yield learned


def _say(sentence: str) -> None:
    console.print(sentence, soft_wrap=True)


def main() -> None:
    """Runs the command and ends the process."""
    try:
        typer.run(distil)
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of TensorFlow that still run may abort a process that has done all it should, while it is taken apart.
        os._exit(end.code if isinstance(end.code, int) else 0)


if __name__ == "__main__":
    main()
