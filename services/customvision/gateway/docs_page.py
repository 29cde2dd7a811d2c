"""The OpenAPI document as a page to read: no script, nothing from elsewhere."""

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8882; overflow-x: auto; padding: .6rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .25rem .5rem; text-align: left; vertical-align: top; }
summary { cursor: pointer; padding: .3rem 0; }
summary:focus-visible, a:focus-visible { outline: 2px solid; }
.method { display: inline-block; font-weight: 600; min-width: 4.5rem; }
section { border-top: 1px solid #8884; margin-top: 1.5rem; }
"""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
PREFIX = "/customvision/{version}"


def docs_page(document: dict[str, Any]) -> str:
    """Returns the page as HTML."""
    return "".join(_page(document))


def _page(document: dict[str, Any]) -> Iterator[str]:
    title = escape(document["info"]["title"])
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} API</title>'
    yield f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
    yield f"<h1>{title} API</h1><p>{escape(document['info']['description'])}</p>"
    yield '<p>The same for programs: <a href="/openapi.json"><code>/openapi.json</code></a>.</p>'
    yield from _keys(document["components"]["securitySchemes"])
    for noun, operations in _by_noun(document).items():
        yield f"<section><h2>{escape(noun)}</h2>"
        for method, path, operation in operations:
            yield from _operation(method, path, operation)
        yield "</section>"
    yield "<section><h2>Models</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _model(name, schema)
    yield "</section></body></html>"


def _keys(schemes: dict[str, Any]) -> Iterator[str]:
    yield "<h2>Keys</h2><p>Every call but those that say otherwise needs one of these headers.</p><table>"
    for scheme in schemes.values():
        header = scheme.get("name") or "Authorization: Bearer"
        yield f"<tr><td><code>{escape(header)}</code></td><td>{escape(scheme['description'])}</td></tr>"
    yield "</table>"


def _by_noun(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    found: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation.get("tags", ["Other"])[0], []).append((method.upper(), path, operation))
    return found


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    name = escape(operation["operationId"])
    shown = escape(path.removeprefix(PREFIX))
    yield f'<details id="{name}"><summary><span class="method">{escape(method)}</span> <code>{shown}</code> '
    yield f"<strong>{name}</strong></summary>"
    for paragraph in operation.get("description", "").split("\n\n"):
        yield f"<p>{escape(paragraph)}</p>"
    yield from _parameters(operation.get("parameters", []))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, <code>{escape(kind)}</code>: {_kind(content['schema'])}</p>"
    yield "<table><tr><th>status</th><th>answer</th></tr>"
    for status, response in operation["responses"].items():
        kinds = ", ".join(_kind(content["schema"]) for content in response.get("content", {}).values() if content)
        yield f"<tr><td>{escape(str(status))}</td><td>{escape(response.get('description', ''))} {kinds}</td></tr>"
    yield "</table></details>"


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<table><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr>"
    for parameter in parameters:
        needed = " (required)" if parameter.get("required") else ""
        text = escape(parameter.get("description", "")) + needed
        yield f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        yield f"<td>{_kind(parameter['schema'])}</td><td>{text}</td></tr>"
    yield "</table>"


def _model(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="model-{escape(name)}">{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
    if "enum" in schema:
        yield f"<p>{_kind(schema)}</p>"
        return
    yield "<table>"
    for field, kind in schema.get("properties", {}).items():
        yield f"<tr><td><code>{escape(field)}</code></td><td>{_kind(kind)}</td></tr>"
    yield "</table>"


def _kind(schema: dict[str, Any]) -> str:
    """Returns what a schema allows, as HTML, in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#model-{name}">{name}</a>'
    if "enum" in schema:
        return ", ".join(f"<code>{escape(json.dumps(word).strip(chr(34)))}</code>" for word in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    words = [str(schema.get("format") or schema.get("type") or schema.get("title") or "any")]
    if "default" in schema:
        words.append(f"default {json.dumps(schema['default'])}")
    return escape(", ".join(words))
