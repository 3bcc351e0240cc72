"""Rules for the schemas of tools and of answers.

Codex rewrites a tool's schema: an enum without a type becomes an enum of strings, and an array without items an array of
strings (0.155 to 0.171). An answer's schema reaches the model's API unchanged, with ``strict: true``. If it is outside the
subset called Structured Outputs, the API refuses the request, and the turn fails.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

Node: TypeAlias = dict[str, Any]
"""A schema, or a schema inside of another."""

_DEFINITIONS = ("$defs", "definitions")
_NAMED = ("properties", *_DEFINITIONS)  # their keys are names, not words of JSON Schema
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SAYS_TYPE = ("type", "$ref", "anyOf", "oneOf", "allOf")

_TYPES = ("string", "number", "integer", "boolean", "null", "array", "object")
_TYPE_OF_KEYWORD = {
    "properties": "object",
    "additionalProperties": "object",
    "required": "object",
    "items": "array",
    "prefixItems": "array",
    "pattern": "string",
    "format": "string",
    "minLength": "string",
    "maxLength": "string",
    "minimum": "number",
    "maximum": "number",
    "multipleOf": "number",
}
"""The type that a node without a type means, by the first of its keywords here."""

# The subset of JSON Schema that OpenAI's guide to Structured Outputs describes.
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_STRICT_KEYWORDS = {
    *("title", "description", "type", "enum", "const", "anyOf", "$ref", *_NAMED, "required", "additionalProperties"),
    *("items", "minItems", "maxItems", "pattern", "format"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_REFUSED = {
    *("oneOf", "allOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"),
    *("prefixItems", "uniqueItems"),
}
_LOOKAROUND = re.compile(r"\(\?<?[=!]")  # in a pattern: "regex lookaround is not supported"

_LIMITS = (
    *("format", "pattern", "minLength", "maxLength", "contentEncoding", "contentMediaType"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "examples"),
)
"""Keywords that are repeated in the description if they would not reach the model otherwise."""

_HINT = "a strict JSON Schema cannot express; use a type with named fields, or pass output_schema="


def map_nodes(schema: Mapping[str, Any], change: Callable[[Node, str], Node], where: str = "$") -> Node:
    """Return a copy of a schema with each node replaced by the result of `change`, inner nodes first.

    Args:
        schema: The schema. It is not changed.
        change: Called with a copy of each node, and its place.
        where: The place of the schema itself.
    """

    def inner(node: Any, place: str) -> Any:
        node = {} if node is True else node  # `true` and `{}` are equivalent
        return map_nodes(node, change, place) if isinstance(node, Mapping) else node

    node = dict(schema)
    for word in _NAMED:
        if isinstance(node.get(word), Mapping):
            base = f"{where}." if word == "properties" else ""
            node[word] = {name: inner(part, f"{base}{name}") for name, part in node[word].items()}
    for word in _LISTED:
        if isinstance(node.get(word), list):
            node[word] = [inner(part, where) for part in node[word]]
    if isinstance(node.get("items"), (Mapping, bool)):
        node["items"] = inner(node["items"], f"{where}[]")
    if isinstance(node.get("additionalProperties"), Mapping):
        node["additionalProperties"] = inner(node["additionalProperties"], f"{where}{{}}")
    return change(node, where)


# --- for tools


def fill_types(schema: Mapping[str, Any]) -> Node:
    """Fill the gaps of a tool's schema that codex would fill otherwise: types of enums, items of arrays and so on."""
    anything = {"$ref": f"#/$defs/{_anything_name(schema)}"}

    def fill(node: Node, where: str) -> Node:
        node = _with_type(node)
        if not any(word in node for word in _SAYS_TYPE):
            return {**node, **anything}
        if "array" in _types(node) and not isinstance(node.get("items"), dict):
            options = _unique(node.get("prefixItems") or [anything])
            return {**node, "items": {"anyOf": options} if len(options) > 1 else options[0]}
        return node

    has_type = any(word in schema for word in _SAYS_TYPE)
    filled = map_nodes(schema if has_type else {"type": "object", **schema}, fill)
    if f'"{anything["$ref"]}"'.encode() in msgspec.json.encode(filled):
        name = _anything_name(schema)
        types = ["string", "number", "boolean", "null", "array", "object"]
        filled["$defs"] = {**filled.get("$defs", {}), name: {"type": types, "items": anything}}
    return filled


def _anything_name(schema: Mapping[str, Any]) -> str:
    names = itertools.chain(["Anything"], (f"Anything_{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in schema.get("$defs", {}))


def describe_limits(schema: Mapping[str, Any]) -> Node:
    """Return the schema of a tool with limits, formats and defaults repeated in the descriptions.

    Codex keeps types, enums, items, properties and descriptions of a tool's schema, and drops nearly all else (0.155 to
    0.171).
    """

    def describe(node: Node, where: str) -> Node:
        return _with_limits(node, _LIMITS if node.get("default") in (None, [], {}) else (*_LIMITS, "default"))

    return map_nodes(schema, describe)


def _with_type(node: Node) -> Node:
    """Return a node with the type that its other keywords imply, if any."""
    if any(word in node for word in _SAYS_TYPE):
        return node
    values = [node["const"]] if "const" in node else node.get("enum")
    if isinstance(values, list) and values:
        by_type: dict[str, list[Any]] = {}
        for value in values:
            by_type.setdefault(_type_of(value), []).append(value)
        if len(by_type) == 1:
            return {"type": next(iter(by_type)), **node}
        options = [{"type": type_, **({} if type_ == "null" else {"enum": some})} for type_, some in by_type.items()]
        return {**{word: value for word, value in node.items() if word != "enum"}, "anyOf": options}
    found = next((type_ for word, type_ in _TYPE_OF_KEYWORD.items() if word in node), None)
    return node if found is None else {"type": found, **node}


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
    return "array" if isinstance(value, (list, tuple)) else "object"


def _types(node: Mapping[str, Any]) -> list[Any]:
    types = node.get("type")
    return types if isinstance(types, list) else [types]


def _unique(nodes: list[Any]) -> list[Any]:
    return [node for i, node in enumerate(nodes) if node not in nodes[:i]]


# --- for answers


def strict_schema(schema: Mapping[str, Any], where: str) -> tuple[Node, bool]:
    """Return a schema as the strict mode of the model's API requires it, and whether it is wrapped.

    Objects are closed, and every property is required. A root of another type becomes the property ``value`` of an
    object. Keywords that strict mode does not have move into the description.

    Args:
        schema: A schema from `SchemaMaker`.
        where: The place of the schema, for errors.

    Raises:
        TypeError: A strict schema cannot express it, for example an object with any keys, `Any`, or a tuple of several
            types. The message contains the place.
    """
    root = map_nodes(schema, _strict, where)
    definitions = root.pop("$defs", {})
    if len(root.get("anyOf", ())) == 1:  # a reference with a description
        root = {**root.pop("anyOf")[0], **root}
    name = str(root.get("$ref")).rpartition("/")[2]
    target = definitions.get(name, {})
    is_wrapped = (root if "$ref" not in root else target).get("type") != "object"
    if is_wrapped:
        root = _closed({"type": "object", "properties": {"value": root}})
    elif "$ref" in root:  # the root must be the object itself
        root = {**target, **{word: value for word, value in root.items() if word != "$ref"}}
        others = {key: node for key, node in definitions.items() if key != name}
        is_used = f'"#/$defs/{name}"'.encode() in msgspec.json.encode([root, others])
        definitions = definitions if is_used else others
    return ({**root, "$defs": definitions} if definitions else root), is_wrapped


def _strict(node: Node, where: str) -> Node:
    if isinstance(node.get("allOf"), list) and len(node["allOf"]) == 1:  # a way to describe a `$ref`
        node = {**node, **node["allOf"][0]}
        del node["allOf"]
    if "$ref" in node:  # strict mode takes no other keyword beside it, so a description goes around it
        around = {word: node[word] for word in ("description", *_DEFINITIONS) if word in node}
        reference = {"$ref": node["$ref"]}
        return {**around, "anyOf": [reference]} if "description" in around else {**around, **reference}
    for word, meaning in {"allOf": "several schemas at once", "oneOf": "exactly one of several schemas"}.items():
        if word in node:
            raise TypeError(f"{where} is {meaning} ({word}), which {_HINT}")
    node = _with_type(_with_items(node, where))
    if not any(word in node for word in _SAYS_TYPE):
        raise TypeError(f"{where} can be anything, which {_HINT}")
    if "object" in _types(node):
        if "properties" not in node and node.get("additionalProperties") is not False:
            raise TypeError(f"{where} is an object with any keys, which {_HINT}")
        node = _closed(node)
    if "array" in _types(node) and not isinstance(node.get("items"), dict):
        raise TypeError(f"{where} is a list of anything, which {_HINT}")
    return _within_subset(node)


def _with_items(node: Node, where: str) -> Node:
    if "prefixItems" not in node:
        return node
    options = _unique(node.pop("prefixItems"))
    if len(options) != 1:
        raise TypeError(f"{where} is a tuple of several types (prefixItems), which {_HINT}")
    return {**node, "items": options[0]}


def _closed(node: Node) -> Node:
    properties = node.get("properties", {})
    return {**node, "properties": properties, "required": list(properties), "additionalProperties": False}


def _within_subset(node: Node) -> Node:
    """Move keywords that strict mode does not have into the description. The reader still checks the value."""
    unfit = [word for word in _LIMITS if word in node and word not in _STRICT_KEYWORDS]
    if node.get("format", "uuid") not in _FORMATS:
        unfit.append("format")
    if _LOOKAROUND.search(str(node.get("pattern", ""))):
        unfit.append("pattern")
    node = _with_limits(node, unfit)
    return {word: value for word, value in node.items() if word in _STRICT_KEYWORDS and word not in unfit}


def _with_limits(node: Node, words: Iterable[str]) -> Node:
    """Return a node with some of its keywords repeated in its description."""
    limits = {word: node[word] for word in words if word in node}
    if not limits:
        return node
    text = "; ".join(
        f"{word}: {limit if isinstance(limit, str) else msgspec.json.encode(limit).decode()}"
        for word, limit in limits.items()
    )
    return {**node, "description": f"{node['description']} ({text})" if "description" in node else text}


# --- written by hand


def find_faults(schema: Mapping[str, Any], *, is_strict: bool) -> Iterator[str]:
    """Yield the faults that the model's API is certain to refuse, each with its place.

    Args:
        schema: The schema.
        is_strict: Whether it is for an answer, in strict mode, or for a tool, after `fill_types`.
    """
    if schema.get("type") != "object" or any(word in schema for word in (*_LISTED, "$ref", "enum", "const", "not")):
        yield '$ must be an object: it needs "type": "object", without anyOf, $ref, enum and the like beside it'
    for node, where in _walk(schema, "$"):
        if not isinstance(node, Mapping):
            yield f"{where} must be a schema, not {node!r}"
            continue
        faults = _faults(node, schema)
        yield from (f"{where} {fault}" for fault in (*faults, *(_strict_faults(node) if is_strict else ())))


def _walk(node: Any, where: str) -> Iterator[tuple[Any, str]]:
    yield node, where
    if not isinstance(node, Mapping):
        return
    for word in _NAMED:
        for name, part in (node[word] if isinstance(node.get(word), Mapping) else {}).items():
            yield from _walk(part, f"{where}.{name}" if word == "properties" else f"{where}.{word}.{name}")
    for word in _LISTED:
        for i, part in enumerate(node[word] if isinstance(node.get(word), list) else ()):
            yield from _walk(part, f"{where}.{word}[{i}]")
    for word, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(word), Mapping):
            yield from _walk(node[word], where + mark)


def _faults(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    if not any(word in node for word in _SAYS_TYPE):
        yield "needs a type, a $ref or an anyOf"
    if unknown := [type_ for type_ in _types(node) if type_ not in (*_TYPES, None)]:
        yield f"has the type {unknown[0]!r}, which is none of {', '.join(_TYPES)}"
    if "array" in _types(node) and not isinstance(node.get("items"), Mapping):
        yield "is an array, and needs items"
    if not isinstance(node.get("properties", {}), Mapping):
        yield "has properties that are not a mapping"
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#") and not _resolves(reference, root):
        yield f"refers to {reference}, which does not exist"


def _strict_faults(node: Mapping[str, Any]) -> Iterator[str]:
    if refused := [word for word in node if word in _REFUSED]:
        yield f"has {refused[0]}, which strict mode refuses"
    if node.get("format", "uuid") not in _FORMATS:
        yield f"has the format {node['format']!r}; strict mode knows {', '.join(_FORMATS)}"
    if _LOOKAROUND.search(str(node.get("pattern", ""))):
        yield f"has the pattern {node['pattern']!r}; strict mode has no lookaround"
    if "object" not in _types(node):
        return
    if node.get("additionalProperties") is not False:
        yield 'is an object, and needs "additionalProperties": false'
    properties, required = node.get("properties") or {}, node.get("required") or []
    if missing := [name for name in properties if name not in required]:
        yield f"must list {missing[0]!r} in required"
    if extra := [name for name in required if name not in properties]:
        yield f"requires {extra[0]!r}, which is not one of its properties"


def _resolves(reference: str, root: Any) -> bool:
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(root, Mapping) or name not in root:
            return False
        root = root[name]
    return True
