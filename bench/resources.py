"""What a thousand predictions cost: processor time and bytes copied, against decode and trunk without a server."""

import itertools
import subprocess
import sys
from pathlib import Path
from statistics import mean, median

from bare_loop import BareLoop
from counted_copies import CopiesUncounted, CopyCounter
from figures import Figure, tell
from load_rounds import Round
from material import SIZE_NAMES, Material
from serving import OURS, project_id_of, serving

PROGRAM = Path(__file__).with_name("bare_copies.py")
CALLERS = 16
COUNTED = 200
MEGABYTE = 1_000_000


def measure(folder: Path, material: Material) -> list[Figure]:
    """Takes the processor time under load, and counts copies call by call."""
    return [*_processor_time(folder, material), *_copies(folder, material)]


def _processor_time(folder: Path, material: Material) -> list[Figure]:
    options, figures = material.options, []
    bare = BareLoop(material.trained.backbone)
    with serving(folder / "time", material.trained) as served:
        for size in options.sizes:
            tell(f"processor time, {SIZE_NAMES[size]}")
            photos = material.photos(size)
            served.ask(photos)
            pairs = [
                (
                    _seconds_for_thousand(served.generator.round(OURS, callers=CALLERS, seconds=options.seconds)),
                    _seconds_for_thousand(bare.round(photos, callers=CALLERS, seconds=options.seconds)),
                )
                for _ in range(options.rounds)
            ]
            ours, loop = (median(side) for side in zip(*pairs, strict=True))
            figures.append(
                Figure(
                    f"{SIZE_NAMES[size]}: processor time of 1,000 predictions, {CALLERS} callers",
                    f"{ours:.2f} s, {median(each - other for each, other in pairs):+.2f} s",
                    baseline=f"bare {loop:.2f} s",
                )
            )
    return figures


def _seconds_for_thousand(measured: Round) -> float:
    return measured.server_seconds / len(measured.latencies) * 1000


def _copies(folder: Path, material: Material) -> list[Figure]:
    try:
        counter = CopyCounter(folder)
    except CopiesUncounted as error:
        return [Figure("bytes copied", f"skipped: {error}")]
    (folder / "backbone.zip").write_bytes(material.trained.backbone)
    figures = []
    with serving(folder / "copies", material.trained, settings=counter.environment) as served:
        for size in material.options.sizes:
            tell(f"bytes copied, {SIZE_NAMES[size]}")
            photos = material.photos(size)
            for photo in photos:
                served.service.predict(project_id_of(0), photo)
            before = counter.copied
            asked = list(itertools.islice(itertools.cycle(photos), COUNTED))
            for photo in asked:
                served.service.predict(project_id_of(0), photo)
            ours = (counter.copied - before) / COUNTED
            bare = _bare_copies(folder, size, photos, counter)
            figures.append(
                Figure(
                    f"{SIZE_NAMES[size]}: bytes copied in memory by 1,000 predictions",
                    f"{ours * 1000 / MEGABYTE:,.0f} MB, {(ours - bare) / mean(map(len, asked)):.1f} files more each",
                    baseline=f"bare {bare * 1000 / MEGABYTE:,.0f} MB",
                )
            )
    return figures


def _bare_copies(folder: Path, size: str, photos: list[bytes], counter: CopyCounter) -> float:
    """Returns the bytes that decode and trunk copy for a photo."""
    files = folder / size
    files.mkdir()
    for number, photo in enumerate(photos):
        (files / f"{number:03}.jpg").write_bytes(photo)
    command = [sys.executable, str(PROGRAM), str(folder / "backbone.zip"), str(files), str(COUNTED)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=counter.within()
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101 - they are pipes
        process.stdout.readline()
        before = counter.copied
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        return (counter.copied - before) / COUNTED
