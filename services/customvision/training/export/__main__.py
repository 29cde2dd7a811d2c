"""The child process that builds one export."""

import errno
import shutil
from pathlib import Path
from typing import Any

from customvision.training.backbones.weights_file import WeightsUnusable
from customvision.training.children.child import Reports, run_child
from customvision.training.children.processor_priority import give_way
from customvision.training.export.export_format import ExportFormat
from customvision.training.export.formats import NetworkUnknown, format_of
from customvision.training.export.makings import Makings
from customvision.training.export.outcome import Outcome
from customvision.training.export.package import write_package
from customvision.training.export.parity import AnswersDiffer, compare, pictures_of
from customvision.training.export.working_folder import BACKBONE_FILE, ZIP_FILE
from customvision.vision.artifacts import ArtifactInvalid

# Predictions are waited for; an export can give way.
NICENESS = 5


def build(request: dict[str, Any], reports: Reports) -> None:
    """Writes the zip into ``request["folder"]``, and tells how that ended."""
    give_way(NICENESS)
    folder = Path(request["folder"])
    try:
        _build(folder, ExportFormat(request["format"]))
    except (ArtifactInvalid, WeightsUnusable) as error:
        reports.send(Outcome.DAMAGED, cause=str(error))
    except AnswersDiffer as error:
        reports.send(Outcome.DIFFERS, cause=str(error))
    except NetworkUnknown as error:
        reports.send(Outcome.NETWORK_UNKNOWN, cause=str(error))
    except Exception as error:
        if not _disk_was_full(error, folder):
            raise
        reports.send(Outcome.DISK_FULL, cause=str(error))
    else:
        reports.send(Outcome.BUILT)


def _build(folder: Path, export_format: ExportFormat) -> None:
    makings = Makings.read(folder)
    exported = format_of(export_format)
    entry = exported.build(makings, folder)
    pictures = pictures_of(makings)
    # Read again from the file: what is compared is what is handed out.
    parity = compare(export_format, exported.answers(entry, pictures.pixels), makings, pictures)
    write_package(folder / ZIP_FILE, entry, makings, export_format, parity)


def _disk_was_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    # TensorFlow and OpenVINO tell it in words of their own, or not at all.
    return shutil.disk_usage(folder).free < (folder / BACKBONE_FILE).stat().st_size


if __name__ == "__main__":
    run_child(build)
