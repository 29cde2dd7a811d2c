"""What training and prediction must do alike: decode an image, run the backbone, apply a head, read an artifact."""

from customvision.common import no_telemetry as no_telemetry
