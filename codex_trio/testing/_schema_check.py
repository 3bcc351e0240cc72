"""Check JSON Schemas as the Responses API does, with the API's error messages. No I/O.

This is written from the API's messages and independent of how this package makes schemas, so it can find faults there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str, ...]

_TYPES = {"string", "number", "integer", "boolean", "null", "array", "object"}
_DEFINITIONS = ("$defs", "definitions")
_STRICT_KEYWORDS = {
    *("type", "title", "description", "enum", "const", "anyOf", "$ref", "$schema", *_DEFINITIONS),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("pattern", "format", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_STRICT_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_ROOT_WORDS = ("type", *_NOT_AT_THE_TOP)
_CODEX_TOOLS: list[dict[str, Any]] = [{}] * 8  # codex's own tools come first
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


def find_request_fault(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the API's ``error`` for the first invalid schema in a request; `None` if all are valid.

    Args:
        body: The request. The output schema is in ``text.format``, schemas of tools are in ``tools`` and in items of
            type ``additional_tools`` in ``input``.
    """
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        fault = find_fault(form.get("schema"), is_strict=bool(form.get("strict")))
        if fault is not None:
            message = f"Invalid schema for response_format '{form.get('name')}': {fault}"
            return _error(message, "text.format.schema", "invalid_json_schema")
    for path, function in _functions(body):
        parameters = function.get("parameters")
        fault = None if parameters is None else find_fault(parameters, is_strict=bool(function.get("strict")))
        if fault is not None:
            message = f"Invalid schema for function '{function.get('name')}': {fault}"
            return _error(message, f"{path}.parameters", "invalid_function_parameters")
    return None


def find_tools_fault(tools: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the ``error`` for the tools that a client gives codex, with ``inputSchema``; `None` if all are valid."""
    return find_request_fault({"tools": [*_CODEX_TOOLS, *map(_forwarded, tools)]})


def _forwarded(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool as codex forwards it. Codex repairs all of the schema but its root, so only the root is kept here."""
    if tool.get("type") == "namespace":
        return {**tool, "tools": [_forwarded(inner) for inner in tool["tools"]]}
    schema = tool.get("inputSchema")
    root = {word: schema[word] for word in _ROOT_WORDS if word in schema} if isinstance(schema, Mapping) else {}
    if root.get("type") not in _TYPES:
        root.pop("type", None)
    return {**tool, "type": "function", "parameters": {**root, "properties": {}}}


def find_output_fault(schema: Any) -> dict[str, Any] | None:
    """Return the ``error`` for an output schema, as codex forwards it; `None` if it is valid or missing."""
    if schema is None:
        return None
    form = {"type": "json_schema", "name": "codex_output_schema", "strict": True, "schema": schema}
    return find_request_fault({"text": {"format": form}})


def find_fault(schema: Any, *, is_strict: bool) -> str | None:
    """Return the first fault of a schema and its path, worded like the API's error; `None` if the schema is valid.

    Args:
        schema: The schema.
        is_strict: Whether the schema is in strict mode. Without it, only a few rules apply.
    """
    return next(_faults(schema, is_strict=is_strict), None)


def _faults(root: Any, *, is_strict: bool) -> Iterator[str]:
    kind = root.get("type") if isinstance(root, Mapping) else None
    if not isinstance(root, Mapping) or kind != "object":
        yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        return
    combined = [word for word in _NOT_AT_THE_TOP if word in root]
    if combined:
        yield (
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level: "
            f"it has '{combined[0]}'."
        )
    if "properties" not in root and not is_strict:
        yield "In context=(), object schema missing properties."
    for path, node in _nodes(root, ()):
        yield from (f"In context={path!r}, {fault}" for fault in _node_faults(node, root, is_strict=is_strict))


def _nodes(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield a schema and all schemas inside it, each with its path."""
    yield path, node
    if not isinstance(node, Mapping):
        return
    for word in ("properties", "patternProperties", *_DEFINITIONS):
        named = node.get(word)
        for name, part in named.items() if isinstance(named, Mapping) else ():
            yield from _nodes(part, (*path, word, name))
    for word in _LISTS:
        listed = node.get(word)
        for number, part in enumerate(listed if isinstance(listed, list) else ()):
            yield from _nodes(part, (*path, word, str(number)))
    for word in ("items", "additionalProperties", "not"):
        if isinstance(node.get(word), Mapping):
            yield from _nodes(node[word], (*path, word))


def _node_faults(node: Any, root: Mapping[str, Any], *, is_strict: bool) -> Iterable[str]:
    if not isinstance(node, Mapping):
        # A schema may be `true` in JSON Schema.
        return [] if isinstance(node, bool) and not is_strict else [f"{node!r} is not of type 'object'."]
    types = _types_of(node)
    unknown = [name for name in types if name not in _TYPES]
    if unknown:
        return [f"{unknown[0]!r} is not a valid type."]
    faults: list[str] = []
    if "array" in types and "items" not in node:
        faults.append("array schema missing items.")
    if "$ref" in node:
        faults += _reference_faults(node, root, is_strict=is_strict)
    if is_strict:
        faults += _strict_faults(node, types)
    return faults


def _types_of(node: Mapping[str, Any]) -> list[Any]:
    kind = node.get("type")
    return [] if kind is None else kind if isinstance(kind, list) else [kind]


def _reference_faults(node: Mapping[str, Any], root: Mapping[str, Any], *, is_strict: bool) -> Iterator[str]:
    target = str(node["$ref"])
    parts = target.split("/")
    known = [f"#/{word}/{name}" for word in _DEFINITIONS for name in root.get(word) or {}]
    if target != "#" and (len(parts) != 3 or parts[1] not in _DEFINITIONS):
        yield "reference can only point to definitions defined at the top level of the schema."
    elif target != "#" and target not in known:
        yield f"reference to component '{target}' which was not found in the schema."
    others = set(node) - {"$ref", *_DEFINITIONS}
    if others and is_strict:
        yield f"$ref cannot have keywords {others}."


def _strict_faults(node: Mapping[str, Any], types: list[Any]) -> Iterator[str]:
    if not any(word in node for word in ("type", "$ref", "anyOf")):
        yield "schema must have a 'type' key."
    for word in node:
        if word not in _STRICT_KEYWORDS:
            yield f"'{word}' is not permitted."
    if "format" in node and node["format"] not in _STRICT_FORMATS:
        yield f"'{node['format']}' is not a valid format."
    if "object" not in types:
        return
    if node.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false."
    names, required = list(node.get("properties") or {}), node.get("required")
    listed = required if isinstance(required, list) else []
    missing = [name for name in names if name not in listed]
    extra = [name for name in listed if name not in names]
    if missing:
        rule = "'required' is required to be supplied and to be an array including every key in properties."
        yield f"{rule} Missing '{missing[0]}'."
    if extra:
        yield f"Extra required key '{extra[0]}' supplied."


def _functions(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the functions that the model may call, with their paths in the request."""
    yield from _functions_in(body.get("tools"), "tools")
    items = body.get("input")
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping) and item.get("type") == "additional_tools":
            yield from _functions_in(item.get("tools"), f"input[{number}].tools")


def _functions_in(tools: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, tool in enumerate(tools if isinstance(tools, list) else ()):
        if tool.get("type") == "function":
            yield f"{path}[{number}]", tool
        elif tool.get("type") == "namespace":
            yield from _functions_in(tool.get("tools"), f"{path}[{number}].tools")


def _error(message: str, param: str, code: str) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}
