"""The versions that the API is served in, and where they differ."""

import enum

TRAINING_PREFIX = "/customvision/{version}/training"
PREDICTION_PREFIX = "/customvision/{version}/prediction"


class TrainingVersion(enum.StrEnum):
    """Versions of the training API."""

    V3_0 = "v3.0"
    V3_1 = "v3.1"
    V3_2 = "v3.2"
    V3_3 = "v3.3"
    V3_4_PREVIEW = "v3.4-preview"
    V3_4 = "v3.4"

    @property
    def partial_success_status(self) -> int:
        """The HTTP status of a batch in which not every entry was created: clients up to 3.2 know 200 only."""
        return 200 if self in (TrainingVersion.V3_0, TrainingVersion.V3_1, TrainingVersion.V3_2) else 207

    @property
    def knows_status_words_of_3_4(self) -> bool:
        """Whether its clients know the words for an image's status that came with 3.4."""
        return self in (TrainingVersion.V3_4_PREVIEW, TrainingVersion.V3_4)


class PredictionVersion(enum.StrEnum):
    """Versions of the prediction API."""

    V3_0 = "v3.0"
    V3_1 = "v3.1"


def prediction_version(version: PredictionVersion) -> PredictionVersion:
    """Returns the version that a path names, for routes to depend on."""
    return version


def training_version(version: TrainingVersion) -> TrainingVersion:
    """Returns the version that a path names, for routes to depend on."""
    return version
