"""Between what kept exports are inside this service and what travels."""

from customvision.training.export.export_format import ExportFormat
from customvision.training.export.kept_export import ExportState, KeptExport
from customvision.training.messages import timestamp_of
from customvision.v1 import training_service_pb2

_STATES = {
    ExportState.EXPORTING: training_service_pb2.EXPORT_STATE_EXPORTING,
    ExportState.DONE: training_service_pb2.EXPORT_STATE_DONE,
    ExportState.FAILED: training_service_pb2.EXPORT_STATE_FAILED,
}


def export_message(export: KeptExport) -> training_service_pb2.Export:
    """Returns an export as it travels."""
    return training_service_pb2.Export(
        project_id=export.project_id,
        iteration_id=export.iteration_id,
        format=_format_value(export.format),
        state=_STATES[export.state],
        failure_reason=export.failure_reason,
        create_time=timestamp_of(export.create_time),
        file_name=export.file_name,
        size_bytes=export.size_bytes,
    )


def _format_value(export_format: ExportFormat) -> "training_service_pb2.ExportFormat.ValueType":
    return training_service_pb2.ExportFormat.Value(f"EXPORT_FORMAT_{export_format.name}")
