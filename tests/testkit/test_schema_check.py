"""The test kit's check of schemas refuses what the Responses API refuses, and names the place."""

from __future__ import annotations

from typing import Any

import pytest

from codex_trio.testing._schema_check import find_fault, find_request_fault

STRING = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object as strict mode wants it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


GOOD = closed(
    name={"type": "string", "description": "A name.", "pattern": "^a", "format": "email"},
    size={"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
    kind={"type": "string", "enum": ["a", "b"]},
    words={"type": "array", "items": STRING, "minItems": 1},
    next={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    same={"$ref": "#"},
    many={"type": ["string", "null"]},
) | {"$defs": {"Node": closed(value={"type": "number", "const": 1})}}


def test_a_strict_schema_passes() -> None:
    assert find_fault(GOOD, is_strict=True) is None
    assert find_fault(closed(), is_strict=True) is None


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (True, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        ({"type": "array", "items": STRING}, "'type: \"array\"'"),
        ({"type": ["object", "null"], "properties": {}}, "got 'type: \"['object', 'null']\"'."),
        ({**closed(), "anyOf": [closed()]}, "at the top level: it has 'anyOf'."),
        (closed(x={"enum": ["a"]}), "In context=('properties', 'x'), schema must have a 'type' key."),
        (closed(x={}), "In context=('properties', 'x'), schema must have a 'type' key."),
        (closed(x=True), "In context=('properties', 'x'), True is not of type 'object'."),
        (closed(x={"type": "text"}), "In context=('properties', 'x'), 'text' is not a valid type."),
        (closed(x={"type": "array"}), "In context=('properties', 'x'), array schema missing items."),
        (
            closed(x={"type": "array", "items": {}}),
            "In context=('properties', 'x', 'items'), schema must have a 'type' key.",
        ),
        (
            closed(x={"anyOf": [STRING, {"type": "object", "properties": {}}]}),
            "In context=('properties', 'x', 'anyOf', '1'), "
            "'additionalProperties' is required to be supplied and to be false.",
        ),
        (
            {**closed(x=STRING, y=STRING), "required": ["x"]},
            "In context=(), 'required' is required to be supplied and to be an array including every key in properties. "
            "Missing 'y'.",
        ),
        ({**closed(x=STRING), "required": ["x", "z"]}, "In context=(), Extra required key 'z' supplied."),
        (
            {"type": "object", "properties": {}, "additionalProperties": STRING},
            "In context=(), 'additionalProperties' is required to be supplied and to be false.",
        ),
        (closed(x={"oneOf": [STRING]}), "In context=('properties', 'x'), schema must have a 'type' key."),
        (closed(x={**STRING, "oneOf": [STRING]}), "In context=('properties', 'x'), 'oneOf' is not permitted."),
        (closed(x={**STRING, "allOf": [STRING]}), "'allOf' is not permitted."),
        (closed(x={**STRING, "not": STRING}), "'not' is not permitted."),
        (closed(x={**STRING, "default": "a"}), "'default' is not permitted."),
        (closed(x={"type": "array", "items": STRING, "uniqueItems": True}), "'uniqueItems' is not permitted."),
        (closed(x={"type": "array", "items": STRING, "prefixItems": [STRING]}), "'prefixItems' is not permitted."),
        ({**closed(), "patternProperties": {"^a": STRING}}, "In context=(), 'patternProperties' is not permitted."),
        (closed(x={**STRING, "format": "uri"}), "In context=('properties', 'x'), 'uri' is not a valid format."),
        (
            {**closed(x={"$ref": "#/$defs/A", "description": "An A."}), "$defs": {"A": closed()}},
            "In context=('properties', 'x'), $ref cannot have keywords {'description'}.",
        ),
        (
            closed(x={"$ref": "#/properties/y"}, y=STRING),
            "In context=('properties', 'x'), reference can only point to definitions defined at the top level",
        ),
        (closed(x={"$ref": "#/$defs/A"}), "reference to component '#/$defs/A' which was not found in the schema."),
        (
            {**closed(), "$defs": {"A": closed(b={"type": "array"})}},
            "In context=('$defs', 'A', 'properties', 'b'), array schema missing items.",
        ),
    ],
)
def test_a_strict_schema_is_refused_with_its_place(schema: Any, fault: str) -> None:
    assert fault in str(find_fault(schema, is_strict=True))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"x": {}, "y": True, "z": {"enum": [1]}}},
        {"type": "object", "properties": {"x": {"type": "object"}}, "required": ["x"]},
        {"type": "object", "properties": {"x": {**STRING, "format": "uri", "default": ""}}},
        {"type": "object", "properties": {"x": {"oneOf": [STRING, {"type": "integer"}]}}},
        {"type": "object", "properties": {}, "additionalProperties": STRING},
        GOOD,
    ],
)
def test_a_schema_that_is_not_strict_may_say_more(schema: Any) -> None:
    assert find_fault(schema, is_strict=False) is None


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (STRING, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'."),
        ({}, "got 'type: \"None\"'."),
        ({"type": "object"}, "In context=(), object schema missing properties."),
        ({"type": "object", "properties": {}, "oneOf": []}, "at the top level: it has 'oneOf'."),
        ({"type": "object", "properties": {"x": {"type": "array"}}}, "array schema missing items."),
        ({"type": "object", "properties": {"x": {"type": "list"}}}, "'list' is not a valid type."),
        ({"type": "object", "properties": {"x": {"$ref": "#/$defs/A"}}}, "which was not found in the schema."),
    ],
)
def test_a_schema_that_is_not_strict_keeps_some_rules(schema: Any, fault: str) -> None:
    assert fault in str(find_fault(schema, is_strict=False))


def function(name: str, parameters: Any, *, strict: bool = False) -> dict[str, Any]:
    return {"type": "function", "name": name, "strict": strict, "parameters": parameters}


def test_each_schema_of_a_request_is_checked() -> None:
    good, bad = function("good", {"type": "object", "properties": {}}), function("bad", STRING)
    nested = {"type": "namespace", "name": "shop", "tools": [good, bad]}
    added = {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}, nested]}
    form = {"type": "json_schema", "name": "codex_output_schema", "strict": True, "schema": closed(x={"enum": ["a"]})}

    assert (
        find_request_fault({"tools": [good, {"type": "web_search"}], "input": [], "text": {"verbosity": "low"}}) is None
    )
    assert find_request_fault({}) is None
    assert find_request_fault({"text": {"format": form}, "tools": [bad]}) == {
        "message": "Invalid schema for response_format 'codex_output_schema': In context=('properties', 'x'), schema must "
        "have a 'type' key.",
        "type": "invalid_request_error",
        "param": "text.format.schema",
        "code": "invalid_json_schema",
    }
    assert find_request_fault({"tools": [good, bad]}) == {
        "message": "Invalid schema for function 'bad': schema must be a JSON Schema of 'type: \"object\"', got "
        "'type: \"string\"'.",
        "type": "invalid_request_error",
        "param": "tools[1].parameters",
        "code": "invalid_function_parameters",
    }
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"tools": [nested]}, "tools[0].tools[1]"),
        ({"input": [added]}, "input[0].tools[1].tools[1]"),
    ]
    for body, place in bodies:
        assert (find_request_fault(body) or {})["param"] == f"{place}.parameters"
    assert find_request_fault({"tools": [function("f", {"type": "object", "properties": {}}, strict=True)]}) is not None
