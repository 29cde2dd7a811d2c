"""The training service: turns frozen data sets into iterations; runs, progress, evaluation and export."""

from customvision.common import no_telemetry as no_telemetry
