"""Whatever a caller makes of the OpenAPI document, no answer is a fault of the server's, and each is as described."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from customvision.common.keys import Keys
from openapi_operations import Operation, Schema, misfits, operations, resolved
from project_calls import add_photos
from running_gateway import MISSING, gateway
from training_suite import TrainingSuite

EXAMPLES = 200
VERSIONS = ("v3.0", "v3.1", "V3.1", "v9")
ODD_SEGMENTS = [MISSING, "a/", "%2f..", "ÄÖ\u200b", "x" * 3000]
# A stream ends with its training; some delete what requests are about; others begin minutes of work.
LEFT_OUT = {"GetIterationEvents", "DeleteProject", "DeleteIteration", "TrainProject", "ExportIteration"}
# A service that is not there is no fault of the gateway's.
AWAY = 503
# How often an id in a path is that of what there is, for each odd one.
RIGHT_FOR_ODD = 12
ODD_TEXT = st.text(max_size=40) | st.sampled_from(["", "0", "-1", "1e999", "NaN", "null", "'", "%00", "😀", "x" * 3000])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True)
class Call:
    """A request to one operation."""

    operation: Operation
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes | None


class Requests:
    """Makes requests of the document, with the ids of what there is among those that it tries."""

    def __init__(self, document: Schema, ids: Mapping[str, str]) -> None:
        self._document = document
        self._paths = {name: st.sampled_from([right] * RIGHT_FOR_ODD + ODD_SEGMENTS) for name, right in ids.items()}
        self._ids = st.sampled_from([*ids.values(), MISSING])
        self._operations = [each for each in operations(document) if each.name not in LEFT_OUT]

    def all(self) -> SearchStrategy[Call]:
        """Returns what draws requests."""

        @st.composite
        def draw_call(draw: DrawFn) -> Call:
            operation = draw(st.sampled_from(self._operations))
            path = operation.path
            for parameter in operation.parameters:
                if parameter["in"] == "path" and parameter["name"] != "version":
                    value = draw(self._paths[parameter["name"]])
                    path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
            query = {
                parameter["name"]: draw(self._value(parameter["schema"]) | ODD_TEXT)
                for parameter in operation.parameters
                if parameter["in"] == "query" and (parameter["required"] or draw(st.booleans()))
            }
            kind, body = draw(self._body(operation))
            headers = {} if kind is None else {"Content-Type": kind}
            version = draw(st.sampled_from(VERSIONS))
            return Call(operation, f"/customvision/{version}{path}", query, headers, body)

        return draw_call()

    def _body(self, operation: Operation) -> SearchStrategy[tuple[str | None, bytes | None]]:
        kinds = st.sampled_from([*operation.bodies, "application/json", "text/plain", None])
        bodies = [self._json(schema).map(_dumped) for schema in operation.bodies.values()]
        return st.tuples(kinds, st.one_of(st.none(), st.just(b""), st.binary(max_size=60), JSON.map(_dumped), *bodies))

    def _json(self, schema: Schema) -> SearchStrategy[Any]:
        """Returns what draws values that are of the schema, mostly."""
        if "$ref" in schema:
            return self._json(resolved(schema, self._document))
        if "anyOf" in schema:
            return st.one_of([self._json(option) for option in schema["anyOf"]])
        if "properties" in schema:
            fields = {name: self._json(inner) | JSON for name, inner in schema["properties"].items()}
            return st.fixed_dictionaries({}, optional=fields)
        if schema.get("type") == "array":
            return st.lists(self._json(schema.get("items", {})), max_size=3)
        return self._value(schema).map(_parsed)

    def _value(self, schema: Schema) -> SearchStrategy[str]:
        """Returns what draws texts of a single value."""
        if "anyOf" in schema:
            return st.one_of([self._value(option) for option in schema["anyOf"]])
        if "enum" in schema:
            return st.sampled_from([str(word) for word in schema["enum"]])
        match schema.get("type"), schema.get("format"):
            case "string", "uuid":
                return self._ids
            case "string", _:
                return self._ids | ODD_TEXT | st.lists(self._ids, max_size=3).map(",".join)
            case "integer", _:
                return st.integers(-(2**70), 2**70).map(str) | st.integers(0, 20).map(str)
            case "number", _:
                return st.floats().map(str)
            case "boolean", _:
                return st.sampled_from(["true", "false", "True", "1", "yes?"])
            case _:
                return st.just("null")


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def check(call: Call, answer: httpx.Response, document: Schema) -> None:
    """Fails where the answer is a fault of the server's, or not what the document says."""
    shown = f"{call} -> {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500 or answer.status_code == AWAY, shown
    if answer.status_code >= 400:
        told = answer.json()
        assert set(told) == {"code", "message"}, shown
        assert told["code"][0].isupper(), shown
        assert len(told["message"]) < 1500, shown
        return
    assert str(answer.status_code) in call.operation.answers, shown
    schema = call.operation.answers[str(answer.status_code)]
    if schema is None:
        assert answer.content == b"", shown
    elif "json" in answer.headers["content-type"]:
        assert misfits(answer.json(), schema, document) == [], shown


async def test_no_request_is_the_servers_fault(suite: TrainingSuite, keys: Keys) -> None:
    """Requests drawn from the document, with right and odd values and bodies, are all answered in order."""
    project_id, tag_ids = await suite.colored_project(per_tag=10)
    run = await suite.finished(await suite.start(project_id))
    (image,) = await add_photos(suite.project, project_id, [90])
    ids = {
        "project_id": project_id,
        "tag_id": tag_ids[0],
        "iteration_id": run.iteration_id,
        "image_id": image.image_id,
        "domain_id": "ee85a74c-405e-4adc-bb47-ffa8ca0c9f31",
        "published_name": "My Model",
    }
    async with gateway(suite.settings, keys) as client:
        document = (await client.get("/openapi.json", auth=("", keys.training_key))).json()
        address = str(client.base_url)
        await asyncio.to_thread(send_requests, address, keys, document, ids)


def send_requests(address: str, keys: Keys, document: Schema, ids: Mapping[str, str]) -> None:
    """Sends the requests, the same ones each time."""
    with httpx.Client(base_url=address, headers={"Training-Key": keys.training_key}, timeout=60) as client:

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(Requests(document, ids).all())
        def send(call: Call) -> None:
            answer = client.request(
                call.operation.method, call.path, params=call.query, headers=call.headers, content=call.body
            )
            check(call, answer, document)

        send()
