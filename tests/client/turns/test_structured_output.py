"""Structured answers: schemas that the model's strict mode takes, and answers that fit or do not."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
import trio

from codex_trio import CodexOutputError, CodexTurnFailedError, CodexTurnInactiveError, TurnCompleted, open_codex_client
from codex_trio._schema import strict_schema
from codex_trio._wire.output_schema import OutputSchema
from codex_trio.testing import ScriptedAppServer, say, wait


@dataclass
class File:
    name: str
    size: int | None = None


@dataclass
class Listing:
    files: list[File]
    kind: str = field(default="plain")


class Typed(TypedDict):
    name: str


class Structed(msgspec.Struct):
    next: Structed | None = None


FILE = {
    "title": "File",
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    "required": ["name", "size"],
    "additionalProperties": False,
}


@pytest.mark.smoke
def test_a_schema_is_closed_and_requires_everything() -> None:
    assert OutputSchema(Listing).schema == {
        "title": "Listing",
        "type": "object",
        "properties": {"files": {"type": "array", "items": {"$ref": "#/$defs/File"}}, "kind": {"type": "string"}},
        "required": ["files", "kind"],
        "additionalProperties": False,
        "$defs": {"File": FILE},
    }
    assert OutputSchema(Typed).schema["required"] == ["name"]
    assert list(OutputSchema(Structed).schema["$defs"]) == ["Structed"]  # it refers to itself


def test_a_property_named_default_stays() -> None:
    schema, _ = strict_schema({"type": "object", "properties": {"default": {"type": "string", "default": ""}}}, "$")
    assert schema["properties"] == {"default": {"type": "string"}}


class Kind(enum.Enum):
    TEXT = "text"
    IMAGE = "image"


class Described(pydantic.BaseModel):
    file: Annotated[File, pydantic.Field(description="the one that counts")]
    kind: Annotated[Kind, pydantic.Field(description="by its contents")]
    files: list[Annotated[File, pydantic.Field(description="one of the others")]]
    size: Annotated[int, pydantic.Field(description="in bytes")]
    plain: File


class DescribedStruct(msgspec.Struct):
    file: Annotated[File, msgspec.Meta(description="the one that counts")]
    kind: Annotated[Kind, msgspec.Meta(description="by its contents")]
    files: list[Annotated[File, msgspec.Meta(description="one of the others")]]
    size: Annotated[int, msgspec.Meta(description="in bytes")]
    plain: File


@dataclass
class DescribedDataclass:
    file: Annotated[File, msgspec.Meta(description="the one that counts")]
    kind: Annotated[Kind, msgspec.Meta(description="by its contents")]
    files: list[Annotated[File, msgspec.Meta(description="one of the others")]]
    size: Annotated[int, msgspec.Meta(description="in bytes")]
    plain: File


@pytest.mark.parametrize("type_", [Described, DescribedStruct, DescribedDataclass])
def test_a_description_stands_around_a_reference_and_nothing_beside_it(type_: Any) -> None:
    file, kind, files, size, plain = OutputSchema(type_).schema["properties"].values()
    assert file == {"anyOf": [{"$ref": "#/$defs/File"}], "description": "the one that counts"}
    assert kind == {"anyOf": [{"$ref": "#/$defs/Kind"}], "description": "by its contents"}
    assert files["items"] == {"anyOf": [{"$ref": "#/$defs/File"}], "description": "one of the others"}
    assert size["description"] == "in bytes"
    assert plain == {"$ref": "#/$defs/File"}


class Root(pydantic.RootModel[File]):
    """What a listing begins with."""


def test_a_described_root_is_an_object_nevertheless() -> None:
    schema = OutputSchema(Root).schema
    assert (schema["type"], schema["required"]) == ("object", ["name", "size"])
    assert schema["description"] == "What a listing begins with."
    assert schema.keys() & {"anyOf", "$ref", "$defs"} == set()


@pytest.mark.parametrize("description", [{}, {"description": "the first"}])
def test_an_allof_that_describes_a_reference_is_taken_away(description: dict[str, str]) -> None:
    wrapped = {"allOf": [{"$ref": "#/$defs/A"}], "title": "A", **description}
    schema, _ = strict_schema({"type": "object", "properties": {"a": wrapped}}, "$")
    reference = {"$ref": "#/$defs/A"}
    assert schema["properties"] == {"a": {"anyOf": [reference], **description} if description else reference}


def test_several_schemas_at_once_are_refused() -> None:
    with pytest.raises(TypeError, match=r"\$ is several schemas at once \(allOf\)"):
        strict_schema({"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}, "$")


ANY_KIND = {
    "type": "object",
    "properties": {"kind": {"type": "string"}},
    "required": ["kind"],
    "additionalProperties": False,
}


async def test_the_output_is_of_the_type_that_was_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.default(say('{"files": [{"name": "a", "size": 1}], "kind": "x"}'))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("list", output_type=Listing)
        assert result.output == Listing([File("a", 1)], "x")
        assert (await client.chat_once("list", output_schema=ANY_KIND)).output["kind"] == "x"
        assert (await client.chat_once("list")).output is None
        events = [event async for event in client.stream("list", output_type=Listing)]
    end = events[-1]
    assert isinstance(end, TurnCompleted)
    assert end.result.output == result.output
    schemas = [one["params"].get("outputSchema") for one in server.received if one.get("method") == "turn/start"]
    assert schemas == [OutputSchema(Listing).schema, ANY_KIND, None, OutputSchema(Listing).schema]


@pytest.mark.parametrize(
    ("text", "where"),
    [('{"files": [{"name": 1}]}', "$.files[...].name"), ("{}", "$"), ("so sorry", "$"), ("", "$")],
)
async def test_an_answer_that_does_not_fit_says_where(
    autojump_clock: trio.testing.MockClock, text: str, where: str
) -> None:
    server = ScriptedAppServer()
    server.default(say(text))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexOutputError) as caught:
            await client.chat_once("list", output_type=Listing)
        assert (caught.value.text, caught.value.path.replace("[0]", "[...]")) == (text, where)
        assert caught.value.result.final_text == text
        assert client.statistics().open_turns == 0


class Entry(pydantic.BaseModel):
    name: str
    size: int = 0


class Folder(pydantic.BaseModel):
    entries: list[Entry]


async def test_a_pydantic_model_is_asked_for_and_made(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(say('{"entries": [{"name": "a", "size": 1}]}'))
    server.on_turn(say('{"entries": [{"name": "a", "size": "many"}]}'))
    async with open_codex_client(server.transport()) as client:
        output = (await client.chat_once("x", output_type=Folder)).output
        assert output == Folder(entries=[Entry(name="a", size=1)])
        with pytest.raises(CodexOutputError) as caught:
            await client.chat_once("x", output_type=Folder)
    assert caught.value.path == "$.entries[0].size"
    (schema, _) = [m["params"]["outputSchema"] for m in server.received if m.get("method") == "turn/start"]
    assert (schema["required"], schema["additionalProperties"]) == (["entries"], False)
    assert schema["$defs"]["Entry"]["required"] == ["name", "size"]


@dataclass
class Picky:
    name: str

    def __post_init__(self) -> None:
        {"known": 1}[self.name]


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("[" * 100_000, {"output_schema": ANY_KIND}, "RecursionError"),
        ('{"name": "new"}', {"output_type": Picky}, "KeyError: 'new'"),
    ],
    ids=["too deep", "by the type itself"],
)
async def test_an_answer_that_cannot_be_read_leaves_the_turn_to_the_caller(
    autojump_clock: trio.testing.MockClock, text: str, options: dict[str, Any], why: str
) -> None:
    server = ScriptedAppServer()
    server.default(say(text))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexOutputError, match=why) as caught:
            await client.chat_once("x", **options)
    assert caught.value.result.final_text == text


async def test_what_is_no_schema_is_a_type_error(autojump_clock: trio.testing.MockClock) -> None:
    schema: Any = "{}"
    async with open_codex_client(ScriptedAppServer().transport()) as client:
        with pytest.raises(TypeError, match=r"output_schema must be a JSON Schema \(a mapping\), not '\{\}'"):
            await client.chat_once("x", output_schema=schema)


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    tricks: list[str]


class House(pydantic.RootModel[list[Entry]]):
    pass


@pytest.mark.parametrize(
    ("type_", "value", "output"),
    [
        (int, "3", 3),
        (str, '"a"', "a"),
        (list[File], '[{"name": "a", "size": null}]', [File("a")]),
        (Kind, '"image"', Kind.IMAGE),
        (Literal["a", 2], "2", 2),
        (Cat | Dog, '{"type": "Dog", "tricks": ["sit"]}', Dog(["sit"])),
        (list[Entry], '[{"name": "a", "size": 1}]', [Entry(name="a", size=1)]),
        (Entry | Folder, '{"entries": []}', Folder(entries=[])),
        (House, '[{"name": "a", "size": 1}]', House([Entry(name="a", size=1)])),
    ],
    ids=str,
)
async def test_an_output_that_is_no_object_travels_in_one(
    autojump_clock: trio.testing.MockClock, type_: Any, value: str, output: object
) -> None:
    server = ScriptedAppServer()
    server.default(say(f'{{"value": {value}}}'))
    async with open_codex_client(server.transport()) as client:
        assert (await client.chat_once("x", output_type=type_)).output == output
    (schema,) = [m["params"]["outputSchema"] for m in server.received if m.get("method") == "turn/start"]
    assert (schema["type"], schema["required"], schema["additionalProperties"]) == ("object", ["value"], False)


@pytest.mark.parametrize(
    ("text", "type_", "where", "why"),
    [
        ('{"value": [1, "b"]}', list[int], "$.value[1]", "Expected `int`, got `str`"),
        ('{"value": [{"name": 1, "size": 2}]}', list[Entry], "$.value[0].name", "Input should be a valid string"),
        ("3", int, "$.value", "Expected `object`, got `int`"),
    ],
)
async def test_an_output_in_an_object_that_does_not_fit_says_where(
    autojump_clock: trio.testing.MockClock, text: str, type_: Any, where: str, why: str
) -> None:
    server = ScriptedAppServer()
    server.default(say(text))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexOutputError, match=why) as caught:
            await client.chat_once("x", output_type=type_)
    assert caught.value.path == where


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "n"}\n```',
        '\n```\n{"name": "n"}\n```\n',
        '```JSON\r\n{\n "name": "n"\n}\n  ```',
        '{"name": "n"}',
    ],
)
async def test_a_fence_around_the_answer_is_taken_off(autojump_clock: trio.testing.MockClock, text: str) -> None:
    server = ScriptedAppServer()
    server.default(say(text))
    async with open_codex_client(server.transport()) as client:
        result = await client.chat_once("x", output_type=Typed)
        assert (result.output, result.final_text) == ({"name": "n"}, text)
        assert (await client.chat_once("x", output_schema=ANY_KIND)).output == {"name": "n"}


@pytest.mark.parametrize(
    "text", ['Here:\n```json\n{"name": "n"}\n```', '```json\n{"name": "n"}', '```json {"name": "n"}```']
)
async def test_a_fence_that_is_not_all_of_the_answer_stays(autojump_clock: trio.testing.MockClock, text: str) -> None:
    server = ScriptedAppServer()
    server.default(say(text))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexOutputError):
            await client.chat_once("x", output_type=Typed)


async def test_a_schema_that_the_api_would_refuse_is_refused_before_the_wire(
    autojump_clock: trio.testing.MockClock,
) -> None:
    schema = {**ANY_KIND, "properties": {"kind": {"enum": ["a", "b"]}}}
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(ValueError, match=r"output_schema would fail the turn.*: \$\.kind needs a type"):
            await client.chat_once("x", output_schema=schema)
        assert "turn/start" not in server.received_methods()
        with pytest.raises(CodexTurnFailedError, match=r"In context=\('properties', 'kind'\)"):
            await client.chat_once("x", extra={"outputSchema": schema})  # the way to send it all the same
    assert server.received[-1]["params"]["outputSchema"] == schema


async def test_a_continuation_may_say_what_the_output_is(autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(wait(100), say('{"name": "n"}'))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInactiveError) as caught:
            await client.chat_once("x", output_type=Typed, inactivity_timeout=10)
        result = await client.chat_once(continuation=caught.value.continuation, output_type=Typed)
    assert result.output == {"name": "n"}
