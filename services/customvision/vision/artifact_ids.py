"""Gives the tags and images that an artifact names other ids: what a copy of a project answers with is its own."""

import json
from collections.abc import Mapping

from customvision.vision.artifacts import ArtifactInvalid, pack, unpack

IMAGE_IDS = "image_ids.json"


def with_other_ids(
    data: bytes, *, kind: str, tag_ids: Mapping[str, str], image_ids: Mapping[str, str] | None = None
) -> bytes:
    """Returns an artifact of that ``kind`` with its ids replaced; those that the mappings lack stay.

    Raises ArtifactInvalid where it cannot be read.
    """
    manifest, files = unpack(data, kind=kind)
    try:
        for label in manifest.get("labels", []):
            label["tag_id"] = tag_ids.get(label["tag_id"], label["tag_id"])
        if "tag_ids" in manifest:
            manifest["tag_ids"] = [tag_ids.get(tag_id, tag_id) for tag_id in manifest["tag_ids"]]
        if IMAGE_IDS in files:
            known = image_ids or {}
            named = json.loads(files[IMAGE_IDS])
            files[IMAGE_IDS] = json.dumps([known.get(image_id, image_id) for image_id in named]).encode()
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactInvalid(f"The artifact names tags or images in a way that is not known ({error}).") from error
    return pack(manifest, files)
