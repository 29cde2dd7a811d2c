"""What an OpenAPI document says, for tests that hold it against something."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One operation; its ``path`` begins behind the version, answers are by status."""

    name: str
    method: str
    path: str
    parameters: list[Schema]
    bodies: dict[str, Schema]
    answers: dict[str, Schema | None]

    def names(self, place: str) -> set[str]:
        """Returns the names of the parameters in ``place``, such as query; those of required ones end in a star."""
        return {
            parameter["name"] + ("*" if parameter["required"] else "")
            for parameter in self.parameters
            if parameter["in"] == place
        }


def operations(document: Schema) -> Iterator[Operation]:
    """Yields every operation of the document."""
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            answers = {status: _schema(answer.get("content", {})) for status, answer in told["responses"].items()}
            bodies = {kind: body["schema"] for kind, body in told.get("requestBody", {}).get("content", {}).items()}
            short = path.removeprefix("/customvision/{version}")
            yield Operation(told["operationId"], method.upper(), short, told.get("parameters", []), bodies, answers)


def misfits(value: Any, schema: Schema, document: Schema, place: str = "") -> list[str]:
    """Returns where ``value`` is not what ``schema`` says: a type, a word, a key that is missing or unknown."""
    if "$ref" in schema:
        return misfits(value, resolved(schema, document), document, place)
    if "anyOf" in schema:
        each = [misfits(value, option, document, place) for option in schema["anyOf"]]
        return [] if [] in each else each[0]
    if not _is_of_type(value, schema.get("type")):
        return [f"{place}: {value!r} is no {schema.get('type')}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{place}: {value!r} is none of {schema['enum']}"]
    if isinstance(value, list):
        items = schema.get("items", {})
        return [fault for item in value for fault in misfits(item, items, document, f"{place}[]")]
    if isinstance(value, dict) and "properties" in schema:
        return _misfits_of_object(value, schema, document, place)
    return []


def resolved(schema: Schema, document: Schema) -> Schema:
    """Returns what a reference leads to."""
    found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _misfits_of_object(value: dict[str, Any], schema: Schema, document: Schema, place: str) -> list[str]:
    properties = schema["properties"]
    faults = [f"{place}: {name} is missing" for name in schema.get("required", []) if name not in value]
    faults += [f"{place}: {name} is not described" for name in value if name not in properties]
    for name, inner in value.items():
        if name in properties:
            faults += misfits(inner, properties[name], document, f"{place}.{name}")
    return faults


def _schema(content: dict[str, Any]) -> Schema | None:
    return next((body.get("schema") for body in content.values()), None)


def _is_of_type(value: Any, kind: str | None) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
        case _:
            return True
