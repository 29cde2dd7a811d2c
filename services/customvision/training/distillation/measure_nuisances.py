"""``make nuisances``: measures how features of a network that one has differ between views of one photo."""

import os

# Before TensorFlow is imported, and it reads this once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.weights_file import WeightsUnusable, read_shape, write_nuisances
from customvision.training.distillation.crops import PhotosUnreadable, find_photos, make_views

console = Console(stderr=True, markup=False, highlight=False)


def measure(
    photos: Annotated[list[Path], typer.Argument(help="Folders of photos of any kind.", exists=True)],
    weights: Annotated[
        Path, typer.Option(help="A weights file of a MobileNet; what is measured is added to it.", exists=True)
    ],
    count: Annotated[int, typer.Option(min=16, help="How many photos to look at, each in several views.")] = 1536,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed, other views.")] = 0,
) -> None:
    """Measure how features differ between views of one photo, and add that to the weights file."""
    files = find_photos(photos)
    if not files:
        raise typer.BadParameter(f"There are no pictures in {', '.join(map(str, photos))}.")
    try:
        shape = read_shape(weights)
        views = make_views(files, count, (seed,), shape.input_size)
        # TensorFlow takes seconds to load; a mistyped option should not.
        from customvision.training.backbones.network import bare_network_from_file, with_levels
        from customvision.training.distillation.weights import nuisances_of

        network = with_levels(bare_network_from_file(weights), shape.network, shape.features_today)
        _add(nuisances_of(network, track(views, "looking", console=console)), weights.resolve())
    except (WeightsUnusable, PhotosUnreadable) as error:
        _say(str(error))
        raise typer.Exit(1) from error
    except OSError as error:
        _say(f"A file cannot be read or written: {error}. Mend that and run the same command.")
        raise typer.Exit(1) from error
    _say(f"{weights} tells now how its features differ between views. Heads that are trained on it rely on that less.")


def _add(nuisances: Nuisances, weights: Path) -> None:
    # Whoever stops this finds the file as it was.
    with tempfile.TemporaryDirectory(dir=weights.parent) as folder:
        whole = Path(folder) / weights.name
        shutil.copy(weights, whole)
        write_nuisances(whole, nuisances)
        whole.replace(weights)


def _say(sentence: str) -> None:
    console.print(sentence, soft_wrap=True)


if __name__ == "__main__":
    typer.run(measure)
