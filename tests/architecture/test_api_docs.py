"""docs/api.md says what callers meet: every RPC, and every reason of an error with its status."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from customvision.v1 import metrics_service_pb2, prediction_service_pb2, project_service_pb2, training_service_pb2

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text()
ROW = re.compile(r"^\| `([A-Z_]+)` \| `([A-Z_]+)` \|", re.MULTILINE)
# Answered by the interceptor, for which no class of the services stands.
INTERCEPTOR_REASONS = {("INTERNAL", "INTERNAL"), ("UNAVAILABLE", "UNAVAILABLE")}


def reasons_in_code() -> Iterator[tuple[str, str]]:
    """Yields reason and status of every class of error that the services define; a class's kind is its base."""
    for path in ROOT.glob("services/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and (reason := reason_of(node)):
                (base,) = node.bases
                if ast.unparse(base) in ("Exception", "ServiceError"):
                    continue  # A kind of error, not a cause.
                yield reason, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", ast.unparse(base).split(".")[-1]).upper()


def reason_of(node: ast.ClassDef) -> str:
    """Returns the reason that the body of a class sets, or an empty text."""
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id="reason")], value=ast.Constant(value=str(reason)))
                | ast.AnnAssign(target=ast.Name(id="reason"), value=ast.Constant(value=str(reason)))
            ):
                return reason
    return ""


@pytest.mark.parametrize("service", ["Project", "Training", "Prediction", "Metrics"])
def test_every_rpc_is_documented(service: str) -> None:
    """Each RPC has a row in its service's table, and no row names one that there is not."""
    files = (project_service_pb2, training_service_pb2, prediction_service_pb2, metrics_service_pb2)
    services = {name: it for file in files for name, it in file.DESCRIPTOR.services_by_name.items()}
    name = f"{service}Service"
    table = TEXT.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {it.name for it in services[name].methods}


def test_every_reason_is_documented() -> None:
    """Each reason that the code can answer has a row with its status, and no row names one that it cannot."""
    assert set(ROW.findall(TEXT)) == set(reasons_in_code()) | INTERCEPTOR_REASONS
