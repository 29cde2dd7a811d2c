"""The names of backbones: equal names give equal features."""


def backbone_id_of(architecture: str, *, features: str, preprocessing: str, precision: str, weights: str) -> str:
    """Returns the name of a backbone; ``features``, ``preprocessing`` and ``precision`` name how each is done."""
    return f"{architecture}/{features}/{preprocessing}/{precision}/{weights}"


def same_but_for_precision(one: str, other: str) -> bool:
    """Tells whether two backbones are the same network, whatever precision they compute in."""
    return _without_precision(one) == _without_precision(other)


def _without_precision(backbone_id: str) -> list[str]:
    parts = backbone_id.split("/")
    return [*parts[:-2], parts[-1]]
