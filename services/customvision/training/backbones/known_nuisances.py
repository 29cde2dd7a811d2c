"""Nuisances of weights that do not tell their own: measured of published ones, they come with the package."""

from pathlib import Path

from customvision.common.durable_files import write_durably
from customvision.training.backbones.nuisances import Nuisances
from customvision.training.backbones.prepared import NUISANCES_FILE, WEIGHTS_FILE
from customvision.training.backbones.weights_file import network_digest, read_nuisances

FOLDER = Path(__file__).with_name("built_in")


def place_nuisances(prepared: Path) -> None:
    """Writes what is known of the weights in a ``prepared`` backbone's folder beside them; nothing where nothing is.

    Folders of older versions have none yet. A file that cannot be read is written anew.
    """
    weights, file = prepared / WEIGHTS_FILE, prepared / NUISANCES_FILE
    if _is_whole(file):
        return
    nuisances = read_nuisances(weights)
    if not nuisances.levels:
        nuisances = Nuisances.load(known_file(network_digest(weights)))
    if nuisances.levels:
        write_durably(file, nuisances.to_bytes())
    else:
        file.unlink(missing_ok=True)


def _is_whole(file: Path) -> bool:
    try:
        return bool(Nuisances.load(file).levels)
    # A damaged zip raises many kinds of error; all of them mean the same.
    except Exception:  # noqa: BLE001
        return False


def known_file(digest: str) -> Path:
    """Returns where the nuisances of the network with that digest are, if they are known."""
    return FOLDER / f"nuisances-{digest[:16]}.npz"
