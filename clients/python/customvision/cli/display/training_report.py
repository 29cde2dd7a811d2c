"""What a training ended with."""

from dataclasses import dataclass
from typing import Any

from customvision.cli.display.backbones import backbone_words
from customvision.cli.display.console import output, printable
from customvision.cli.display.performance import print_performance
from customvision.cli.display.tables import record
from customvision.cli.display.upload import UploadSummary
from customvision.cli.training_progress import TrainingProgress
from customvision.v1 import iterations_pb2, projects_pb2, training_service_pb2


@dataclass(frozen=True)
class TrainingReport:
    """The project, the iteration that answers now and how it does.

    ``progress`` is None where nothing had changed and no run was needed. ``upload`` is what was uploaded before,
    and ``command`` asks the model; None and empty where it was trained on the images that there were.
    """

    project: projects_pb2.Project
    iteration: iterations_pb2.Iteration
    performance: training_service_pb2.IterationPerformance
    progress: TrainingProgress | None
    upload: UploadSummary | None = None
    command: str = ""

    def record(self) -> dict[str, Any]:
        """Returns the report for programs."""
        return {
            "project_id": self.project.project_id,
            "project_name": self.project.name,
            "iteration_id": self.iteration.iteration_id,
            "iteration_name": self.iteration.name,
            "publish_name": self.iteration.publish_name,
            "trained": self.progress is not None,
            "training_type": iterations_pb2.TrainingType.Name(self.iteration.training_type),
            "fine_tuned": self.iteration.fine_tuned,
            "backbone": record(self.iteration.backbone),
            **self._images(),
            "seconds": self.seconds(),
            "total_seconds": round(self.progress.seconds, 2) if self.progress is not None else 0.0,
            "attempts": self.progress.attempts if self.progress is not None else 0,
            "warnings": list(self.iteration.warnings),
            "performance": record(self.performance),
        }

    def _images(self) -> dict[str, Any]:
        upload = self.upload
        if upload is None:
            return {}
        counts = {"created": upload.created, "already_there": upload.already_there, "copies": upload.copies}
        return {"images": {**counts, "left_out": upload.refused}}

    def seconds(self) -> dict[str, float]:
        """Returns the seconds of each phase of the run's last attempt."""
        phases = self.progress.phases.values() if self.progress is not None else ()
        return {phase.name: round(phase.seconds, 2) for phase in phases}


def print_report(report: TrainingReport) -> None:
    """Prints figures per tag, seconds by phase, and what to try next."""
    print_performance(report.performance)
    if report.progress is not None and report.progress.phases:
        output.print(_duration(report.progress, report.seconds()))
    if report.iteration.training_type == iterations_pb2.TRAINING_TYPE_ADVANCED:
        output.print(outcome_of_fine_tuning(report.iteration))
    output.print(f"It rests on {printable(backbone_words(report.iteration.backbone))}.")
    answers = f"'{printable(report.iteration.name)}' answers as '{printable(report.iteration.publish_name)}'."
    output.print(f"{answers} Try it:" if report.command else answers)
    if report.command:
        output.print(f"  {printable(report.command)}", style="bold", soft_wrap=True)


def _duration(progress: TrainingProgress, seconds: dict[str, float]) -> str:
    phases = ", ".join(f"{name} {spent:.1f}" for name, spent in seconds.items())
    interrupted = f" and {progress.attempts} attempts, the last of them" if progress.attempts > 1 else ""
    return f"Trained in {progress.seconds:.1f} seconds{interrupted}: {phases}."


def outcome_of_fine_tuning(iteration: iterations_pb2.Iteration) -> str:
    """Returns in a sentence which model an advanced training ended with."""
    if iteration.fine_tuned:
        return "The fine-tuned network is the model."
    return "The quick head is the model: fine-tuning did no better, or was not done."
