"""Schemas of types and hand-written schemas, for tools and for structured output."""

from __future__ import annotations

import datetime
import decimal
import enum
import importlib.util
import re
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import attrs
import jsonschema
import msgspec
import pydantic
import pytest
import trio

from codex_trio import Tool, tool
from codex_trio._schema import fill_types, find_faults, make_reader
from codex_trio._wire.output_schema import OutputSchema
from codex_trio.models import ChatResult
from codex_trio.testing._schema_check import find_fault
from tests.support.folders import ROOT

T = TypeVar("T")


def load_example(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLES = {path.stem: load_example(path) for path in (ROOT / "examples").glob("*.py")}
EXAMPLE_TOOLS = [one for module in EXAMPLES.values() for one in vars(module).values() if isinstance(one, Tool)]


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag="dog", tag_field="kind"):
    tricks: list[str]


class Bird(msgspec.Struct, tag="bird", tag_field="kind", rename="camel", forbid_unknown_fields=True):
    can_fly: bool = True


class Node(msgspec.Struct):
    name: str
    children: list[Node] = []


class Reasoned(TypedDict):
    reasoning: str
    answer: str


class More(Reasoned, total=False):
    also: int


class Point(NamedTuple):
    x: int
    y: int = 0


@dataclass
class Box(Generic[T]):
    """Something in a box."""

    inside: T


@attrs.define
class Screw:
    length: float
    threads: list[int] = attrs.Factory(list)


class Page(pydantic.BaseModel):
    url: pydantic.AnyUrl
    token: pydantic.SecretStr
    extra: pydantic.Json[list[int]]
    file: Path
    price: decimal.Decimal
    tags: set[str] = set()
    kind: Literal["a", None] = None
    mixed: Literal["a", 1] = 1
    level: Level = Level.LOW
    parent: Page | None = None


class Kitten(pydantic.BaseModel):
    kind: Literal["kitten"]
    name: Annotated[str, pydantic.Field(min_length=1, description="What it is called.")]


class Puppy(pydantic.BaseModel):
    kind: Literal["puppy"]


Pet = Annotated[Kitten | Puppy, pydantic.Field(discriminator="kind")]


@dataclass
class Everything:
    level: Level
    colour: Colour
    word: Literal["b", "a"]
    number: Literal[2, 1]
    some: Literal["a", 1, None]
    pet: Dog | Bird
    node: Node
    reasoned: More
    box: Box[int]
    screw: Screw
    nothing: None
    blob: bytes
    amount: decimal.Decimal
    when: datetime.datetime
    clock: datetime.time
    day: datetime.date
    span: datetime.timedelta
    key: uuid.UUID
    path: Path
    cat: Cat | None
    page: Page | None = None
    numbers: set[int] = field(default_factory=set)
    frozen: frozenset[str] = frozenset()
    pair: tuple[int, int] = (1, 2)
    many: tuple[str, ...] = ()
    short: Annotated[str, msgspec.Meta(min_length=1, max_length=9, pattern="^a", description="A word.")] = "a"
    rest: Annotated[float, msgspec.Meta(ge=0, lt=10)] = 0.5
    few: Annotated[list[int], msgspec.Meta(max_length=3)] = field(default_factory=list)


ANSWERS: list[tuple[Any, str]] = [
    (Level, "2"),
    (Colour, '"blue"'),
    (Literal["b", "a"], '"a"'),
    (Literal[2, 1], "2"),
    (Literal["a", 1, None], "null"),
    (Dog | Bird, '{"kind": "bird", "canFly": false}'),
    (Node, '{"name": "a", "children": [{"name": "b", "children": []}]}'),
    (More, '{"reasoning": "so", "answer": "x", "also": 1}'),
    (Box[Cat], '{"inside": {"type": "Cat", "lives": 9}}'),
    (list[Box[int] | None], '[{"inside": 1}, null]'),
    (Screw, '{"length": 2, "threads": [1]}'),
    (bytes, '"AAE="'),
    (set[int], "[1, 2]"),
    (decimal.Decimal, '"1.10"'),
    (datetime.datetime, '"2030-01-01T00:00:00Z"'),
    (datetime.time, '"12:00:00Z"'),
    (datetime.timedelta, '"P1D"'),
    (uuid.UUID, '"12345678-1234-5678-1234-567812345678"'),
    (Path, '"/tmp/x"'),
    (trio.Path, '"/tmp/x"'),
    (PurePosixPath | None, "null"),
    (tuple[int, int], "[1, 2]"),
    (Point, "[1, 2]"),
    (pydantic.AnyUrl, '"http://127.0.0.1/"'),
    (pydantic.SecretStr, '"xyz"'),
    (Pet, '{"kind": "puppy"}'),
    (list[Pet], '[{"kind": "kitten", "name": "Tom"}]'),
    (
        Page,
        '{"url": "http://127.0.0.1/", "token": "t", "extra": "[1]", "file": "/x", "price": "1.1", "tags": ["a"],'
        ' "kind": null, "mixed": "a", "level": 2, "parent": null}',
    ),
    (EXAMPLES["structured_answer"].Review, '{"verdict": "ok", "findings": []}'),
]
IDS = [str(getattr(type_, "__name__", type_)) for type_, _ in ANSWERS]


def nodes(schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return every node of a schema with its place. This knows nothing of the package."""
    found = [("$", schema)]
    for place, node in found:  # it grows meanwhile
        for word in ("properties", "$defs", "definitions"):
            found += [(f"{place}/{word}/{name}", part) for name, part in node.get(word, {}).items()]
        for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
            found += [(f"{place}/{word}/{i}", part) for i, part in enumerate(node.get(word, ()))]
        for word in ("items", "additionalProperties"):
            found += [(f"{place}/{word}", node[word])] if isinstance(node.get(word), Mapping) else []
    return found


def check_nodes(schema: Mapping[str, Any], *, is_strict: bool) -> None:
    """Hold the rules for each node of a schema."""
    jsonschema.Draft202012Validator.check_schema(schema)
    assert find_fault(schema, is_strict=is_strict) is None
    assert schema["type"] == "object"
    for place, node in nodes(schema):
        types = node.get("type", [])
        assert types or node.keys() & {"$ref", "anyOf"}, f"{place} says no type"
        assert "array" not in types or isinstance(node.get("items"), Mapping), f"{place} has no items"
        if "enum" in node:
            jsonschema.validate(node["enum"], {"items": {"type": types}})
        if not is_strict:
            continue
        assert node.keys() <= STRICT_KEYWORDS, f"{place} has {node.keys() - STRICT_KEYWORDS}"
        assert node.get("format") in (None, *STRICT_FORMATS), f"{place} has an unknown format"
        if "object" in types:
            assert node["additionalProperties"] is False, f"{place} is open"
            assert node["required"] == list(node["properties"]), f"{place} has optional properties"


# From OpenAI's guide to Structured Outputs.
STRICT_KEYWORDS = {
    *("type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems", "pattern", "format"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
STRICT_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


def answer(type_: Any, text: str) -> Any:
    result: ChatResult[Any] = ChatResult("t", "u", text, (), None, "turn_completed", None, ())
    return OutputSchema(type_).parse(result).output


def is_wrapped(type_: Any) -> bool:
    return list(OutputSchema(type_).schema["properties"]) == ["value"]


# --- answers


@pytest.mark.parametrize("type_", [Everything, *(type_ for type_, _ in ANSWERS)], ids=["Everything", *IDS])
def test_every_node_of_an_answers_schema_is_within_the_strict_subset(type_: Any) -> None:
    schema = OutputSchema(type_).schema
    check_nodes(schema, is_strict=True)
    assert list(find_faults(schema, is_strict=True)) == []


@pytest.mark.parametrize(("type_", "value"), ANSWERS, ids=IDS)
def test_what_fits_a_schema_is_read_and_nothing_else_is(type_: Any, value: str) -> None:
    text = f'{{"value": {value}}}' if is_wrapped(type_) else value
    jsonschema.validate(msgspec.json.decode(text), OutputSchema(type_).schema)
    assert answer(type_, text) == make_reader(type_)(value.encode())


def test_enums_and_literals_have_a_type() -> None:
    schema = OutputSchema(Everything).schema
    assert schema["$defs"]["Level"] == {"title": "Level", "type": "integer", "enum": [1, 2]}
    assert schema["$defs"]["Colour"] == {"title": "Colour", "type": "string", "enum": ["red", "blue"]}
    assert schema["properties"]["word"] == {"type": "string", "enum": ["a", "b"]}
    assert schema["properties"]["number"] == {"type": "integer", "enum": [1, 2]}
    assert schema["$defs"]["Dog"]["properties"]["kind"] == {"type": "string", "enum": ["dog"]}
    assert {"type": "integer", "enum": [1]} in schema["properties"]["some"]["anyOf"]
    assert {"type": "null"} in schema["properties"]["some"]["anyOf"]


def test_what_strict_mode_has_no_keyword_for_is_in_the_description() -> None:
    properties = OutputSchema(Everything).schema["properties"]
    assert properties["blob"] == {"type": "string", "description": "contentEncoding: base64"}
    assert properties["numbers"]["description"] == "uniqueItems: true"
    assert properties["path"]["description"] == "format: path"
    assert properties["short"] == {
        "type": "string",
        "description": "A word. (minLength: 1; maxLength: 9)",
        "pattern": "^a",
    }
    assert properties["when"] == {"type": "string", "format": "date-time"}
    lookaround = OutputSchema(Annotated[str, msgspec.Meta(pattern="^(?!b)")]).schema["properties"]["value"]
    assert lookaround == {"type": "string", "description": "pattern: ^(?!b)"}


@pytest.mark.parametrize(
    ("type_", "names"),
    [
        (More, ["reasoning", "answer", "also"]),
        (Node, ["name", "children"]),
        (Screw, ["length", "threads"]),
        (Bird, ["kind", "canFly"]),
        (Kitten, ["kind", "name"]),
        (Everything, list(Everything.__annotations__)),
    ],
)
def test_properties_have_the_order_in_which_they_are_written(type_: Any, names: list[str]) -> None:
    def function(value) -> None: ...  # type: ignore[no-untyped-def]

    function.__annotations__ = {"value": type_}
    for schema in (OutputSchema(type_).schema, tool(function).input_schema):
        found = [node for _, node in nodes(schema) if set(node.get("properties", ())) == set(names)]
        assert found
        for node in found:
            assert list(node["properties"]) == names
            assert node["required"] == [name for name in names if name in node["required"]]


class Open(TypedDict):
    sizes: dict[str, int]


@dataclass
class Loose:
    things: list  # type: ignore[type-arg]


@dataclass
class Vague:
    thing: Any


@dataclass
class Torn:
    pair: tuple[int, str]


@dataclass
class Compiled:
    patterns: list[re.Pattern[str]]


@dataclass
class Either:
    one: Loose | Vague


@dataclass
class Around:
    inner: list[Either]


class Opaque(pydantic.BaseModel):
    function: Callable[[int], int]


class Wide(pydantic.BaseModel):
    names: dict[str, int]


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        (
            Open,
            r"Open\.sizes is an object with any keys, which a strict JSON Schema cannot express; use a type with named",
        ),
        (Wide, r"output_type\.names is an object with any keys"),
        (Loose, r"Loose\.things\[\] can be anything, which a strict JSON Schema cannot express"),
        (Vague, r"Vague\.thing can be anything"),
        (Torn, r"Torn\.pair is a tuple of several types"),
        (Compiled, r"Compiled\.patterns\[\] has no JSON Schema: JSON has no re\.Pattern; use a type that JSON has"),
        (Around, r"Either\.one has no JSON Schema: Type unions .*use msgspec\.Structs with tag=True"),
        (Opaque, r"output_type has no JSON Schema: .*; use a type that JSON has"),
        (dict[str, int], r"output_type is an object with any keys"),
        (Any, r"output_type can be anything"),
        (Path | int, r"output_type has no JSON Schema: Type unions"),
        ("Open", r"output_type has no JSON Schema: .*'Open'"),
        (3, r"output_type has no JSON Schema: .*'3'"),
    ],
    ids=str,
)
def test_a_type_that_cannot_be_an_answer_is_refused_with_the_field(type_: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        OutputSchema(type_)


def test_pydantic_is_needed_for_types_made_for_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Foreign:
        @classmethod
        def __get_pydantic_core_schema__(cls, *args: object) -> object:
            raise NotImplementedError

    monkeypatch.delitem(sys.modules, "pydantic")
    with pytest.raises(TypeError, match=r"only pydantic can read .*Foreign"):
        OutputSchema(Foreign)


class Litter(pydantic.BaseModel):
    kittens: list[Kitten]


def test_two_classes_of_one_name_have_two_definitions() -> None:
    other = make_dataclass("Kitten", [("age", int)])
    both = make_dataclass("Both", [("mine", other), ("litter", Litter), ("again", Litter)])
    schema = OutputSchema(both).schema
    check_nodes(schema, is_strict=True)
    kitten, litter = {"kind": "kitten", "name": "Tom"}, {"kittens": [{"kind": "kitten", "name": "Tom"}]}
    jsonschema.validate({"mine": {"age": 1}, "litter": litter, "again": litter}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"mine": kitten, "litter": litter, "again": litter}, schema)


# --- schemas by hand

CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def with_property(node: object, **more: object) -> dict[str, Any]:
    return {**CLOSED, "properties": {"a": node}, "required": ["a"], **more}


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({}, "$ must be an object"),
        ({"type": "array", "items": {"type": "string"}}, "$ must be an object"),
        ({"anyOf": [CLOSED]}, "$ must be an object"),
        ({"$ref": "#/$defs/A", "$defs": {"A": CLOSED}}, "$ must be an object"),
        ({"type": "object"}, '$ is an object, and needs "additionalProperties": false'),
        (with_property({"enum": ["a"]}), "$.a needs a type"),
        (with_property({"description": "any"}), "$.a needs a type"),
        (with_property(True), "$.a must be a schema"),
        (with_property({"type": "text"}), "$.a has the type 'text'"),
        (with_property({"type": "array"}), "$.a is an array, and needs items"),
        (with_property({"type": "array", "items": {}}), "$.a[] needs a type"),
        (with_property({"type": "object", "properties": {}}), "$.a is an object, and needs"),
        (with_property({"type": "string"}, required=[]), "$ must list 'a' in required"),
        (with_property({"type": "string"}, required=["a", "b"]), "$ requires 'b'"),
        (with_property({"type": "string", "format": "uri"}), "$.a has the format 'uri'"),
        (with_property({"type": "string", "pattern": "(?!x)"}), "$.a has the pattern '(?!x)'; strict mode has no look"),
        (with_property({"oneOf": [{"type": "string"}]}), "$.a has oneOf"),
        (with_property({"anyOf": [{"type": "string"}, {"enum": [1]}]}), "$.a.anyOf[1] needs a type"),
        (with_property({"type": "array", "items": {"type": "string"}, "uniqueItems": True}), "$.a has uniqueItems"),
        (with_property({"$ref": "#/$defs/B"}), "$.a refers to #/$defs/B"),
        (with_property({"$ref": "#/$defs/B"}, **{"$defs": {"B": {"enum": [1]}}}), "$.$defs.B needs a type"),
    ],
)
def test_a_schema_that_the_api_refuses_is_reported_with_the_path(schema: dict[str, Any], fault: str) -> None:
    found = list(find_faults(schema, is_strict=True))
    assert any(one.startswith(fault) for one in found), found


@pytest.mark.parametrize(
    "schema",
    [
        CLOSED,
        with_property({"type": ["string", "null"], "enum": ["a", None], "default": "a"}),
        with_property({"type": "string", "const": "a", "minLength": 1}),
        with_property({"$ref": "#/definitions/B", "description": "d"}, definitions={"B": {"type": "integer"}}),
        with_property({"type": "array", "items": {"$ref": "#"}}),
        with_property({"type": "string", "format": "uuid", "pattern": "a", "x-mine": 1}),
    ],
)
def test_a_schema_by_hand_that_may_be_fine_is_let_through(schema: dict[str, Any]) -> None:
    assert list(find_faults(schema, is_strict=True)) == []
    assert OutputSchema(None, schema).schema is schema


# --- tools


def everything(value: Everything, pets: list[Pet], page: Page | None = None, whatever: Any = None) -> None: ...


def bare(one, two: list, three: dict, four: tuple, five: tuple[int, str], six: object, seven: Point) -> None: ...  # type: ignore[no-untyped-def,type-arg]


@pytest.mark.parametrize("function", [everything, bare, *EXAMPLE_TOOLS])
def test_every_node_of_a_tools_schema_says_its_type(function: Any) -> None:
    assert len(EXAMPLE_TOOLS) == 2
    made = function if isinstance(function, Tool) else tool(function)
    check_nodes(made.input_schema, is_strict=False)
    assert list(find_faults(made.input_schema, is_strict=False)) == []


def test_bare_collections_hold_anything() -> None:
    schema = tool(bare).input_schema
    for value in (1, "a", None, [1, "a"], {"a": [1]}, [["a"]]):
        arguments = {
            "one": value,
            "two": [value],
            "three": {"a": value},
            "four": [value],
            "five": [1, "a"],
            "six": value,
        }
        jsonschema.validate({**arguments, "seven": [1, 2]}, schema)


@pytest.mark.parametrize(
    ("node", "filled"),
    [
        ({"enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
        ({"const": 1.5}, {"type": "number", "const": 1.5}),
        ({"enum": [True]}, {"type": "boolean", "enum": [True]}),
        (
            {"enum": ["a", 1], "description": "d"},
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}], "description": "d"},
        ),
        ({"pattern": "a"}, {"type": "string", "pattern": "a"}),
        (
            {"properties": {"b": {"const": "c"}}},
            {"type": "object", "properties": {"b": {"type": "string", "const": "c"}}},
        ),
        ({"items": {"type": "null"}}, {"type": "array", "items": {"type": "null"}}),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            },
        ),
        ({"allOf": [{"$ref": "#/definitions/B"}]}, {"allOf": [{"$ref": "#/definitions/B"}]}),
        ({"oneOf": [{"const": 1}]}, {"oneOf": [{"type": "integer", "const": 1}]}),
    ],
)
def test_what_codex_would_make_up_in_a_schema_by_hand_is_filled_in(
    node: dict[str, Any], filled: dict[str, Any]
) -> None:
    schema = {"type": "object", "properties": {"a": node}, "definitions": {"B": {"enum": [1]}}}
    made = fill_types(schema)
    assert made["properties"] == {"a": filled}
    assert made["definitions"] == {"B": {"type": "integer", "enum": [1]}}
    assert schema["properties"] == {"a": node}  # it is not changed itself


def test_a_description_of_anything_survives() -> None:
    for node in ({"description": "d"}, True):
        schema = fill_types({"properties": {"a": node}, "$defs": {"Anything": {"type": "null"}}})
        assert schema["properties"]["a"] == {**({} if node is True else node), "$ref": "#/$defs/Anything_2"}
        jsonschema.validate({"a": [[{"b": [1]}], None]}, schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "array"}, r"tool t: input_schema cannot be used: \$ must be an object"),
        ({"anyOf": [{"type": "object"}]}, r"\$ must be an object"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, r"\$\.a has the type 'text'"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}},
            r"\$\.a refers to #/\$defs/B, which does not exist",
        ),
        ({"type": "object", "properties": {"a": "string"}}, r"\$\.a must be a schema, not 'string'"),
    ],
)
def test_a_schema_by_hand_that_no_tool_can_have_is_refused(schema: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Tool("t", "", schema, print)
    with pytest.raises(TypeError, match=r"tool t: input_schema must be a JSON Schema \(a mapping\), not 'object'"):
        Tool("t", "", "object", print)  # type: ignore[arg-type]
