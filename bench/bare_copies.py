"""Decodes and embeds photos without a server while copies are counted: `bare_copies.py BACKBONE PHOTOS COUNT`.

Waits for a line before it begins and prints one when it has ended, so that others can read the count in between.
"""

import itertools
import sys
from pathlib import Path

from bare_loop import load_trunk

from customvision.vision.decoding import decode_for_backbone


def main() -> None:
    """Computes the photos once, then, when told to, as many as were asked for."""
    backbone, folder, count = sys.argv[1:]
    trunk = load_trunk(Path(backbone).read_bytes())
    photos = [path.read_bytes() for path in sorted(Path(folder).iterdir())]

    def compute(data: bytes) -> None:
        trunk.embed(decode_for_backbone(data, trunk.input_size))

    for photo in photos:
        compute(photo)
    for data in ("ready", "done"):
        sys.stdout.write(data + "\n")
        sys.stdout.flush()
        if data == "ready":
            sys.stdin.readline()
            for photo in itertools.islice(itertools.cycle(photos), int(count)):
                compute(photo)


if __name__ == "__main__":
    main()
