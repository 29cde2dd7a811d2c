"""What schemathesis makes of the OpenAPI document is answered without a fault, and as the document says."""

import asyncio
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from customvision.common.keys import Keys

EXAMPLES = 2
# A service that is not there is no fault of the gateway's.
AWAY = 503
SHAPE = ("response_schema_conformance", "content_type_conformance", "status_code_conformance")


async def test_schemathesis_finds_no_fault(project_client: httpx.AsyncClient, keys: Keys) -> None:
    """Cases of every operation, right and wrong ones, end with no fault of the server's and in the described shape."""
    document = (await project_client.get("/openapi.json", auth=("", keys.training_key))).json()
    tried = await asyncio.to_thread(try_every_operation, str(project_client.base_url), keys, document)
    assert tried == sum(len(methods) for methods in document["paths"].values())


def try_every_operation(address: str, keys: Keys, document: dict[str, Any]) -> int:
    """Sends cases of every operation, the same ones each time; returns how many operations there were."""
    schema = schemathesis.openapi.from_dict(document)
    shape: list[Any] = [CHECKS.get_one(name) for name in SHAPE]
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def send(case: Case[Any]) -> None:
            answer = case.call(base_url=address, headers={"Training-Key": keys.training_key})
            assert answer.status_code < 500 or answer.status_code == AWAY, answer.text
            case.validate_response(answer, checks=shape)

        send()
    return len(operations)
