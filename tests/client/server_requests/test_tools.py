"""Tools: their description, calls, and results."""

from __future__ import annotations

import base64
import dataclasses
import enum
import functools
import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest
import trio
import trio.testing

from codex_trio import Tool, ToolImage, open_codex_client, tool
from codex_trio.testing import ScriptedAppServer, ask_server_request, hang, say

Clock = trio.testing.MockClock


@dataclasses.dataclass
class Ticket:
    id: str
    tags: list[str] = dataclasses.field(default_factory=list)


class Place(TypedDict):
    city: str


class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"


class Money(msgspec.Struct):
    amount: int


@tool
async def lookup_ticket(id: str, verbose: bool = False) -> Ticket:  # noqa: A002
    """Fetch a ticket by id.

    More about it.

    Args:
        id: The ticket's id,
            such as T-1.
        verbose (bool): Tell all.

    Returns:
        The ticket.
    """
    await trio.lowlevel.checkpoint()
    return Ticket(id, ["verbose"] if verbose else [])


@tool
async def file_ticket(
    ticket: Ticket,
    place: Place,
    level: Level,
    kind: Literal["bug", "wish"],
    price: Money | None = None,
    count: Annotated[int, msgspec.Meta(ge=1)] = 1,
    words: list[str] = ["a"],  # noqa: B006  on purpose: the tool never changes it
) -> str:
    assert isinstance(ticket, Ticket)
    assert isinstance(price, Money | None)
    return f"{ticket.id} {place['city']} {level.name} {kind} {price} {count} {words}"


async def call(tools: list[Any], name: str, arguments: Any, namespace: str | None = None) -> Any:
    """Let the server call a tool, and return what it got."""
    server = ScriptedAppServer()
    params = {"callId": "c", "tool": name, "namespace": namespace, "arguments": arguments}
    server.on_turn(ask_server_request("item/tool/call", params), say("done"))
    async with open_codex_client(server.transport(), tools=tools) as client:
        assert (await client.chat_once("go")).final_text == "done"
    (answer,) = server.answers
    return answer["result"]


def text(result: Any) -> str:
    (item,) = result["contentItems"]
    assert item["type"] == "inputText"
    return str(item["text"])


# --- descriptions for the model


@pytest.mark.smoke
def test_name_description_and_schema_come_from_the_function() -> None:
    assert lookup_ticket.name == "lookup_ticket"
    assert lookup_ticket.description == "Fetch a ticket by id.\n\nMore about it."
    assert lookup_ticket.input_schema == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The ticket's id, such as T-1."},
            "verbose": {"type": "boolean", "description": "Tell all. (default: false)", "default": False},
        },
        "required": ["id"],
        "additionalProperties": False,
    }


def test_types_of_all_kinds_are_described() -> None:
    schema = file_ticket.input_schema
    properties = schema["properties"]
    assert schema["required"] == ["ticket", "place", "level", "kind"]
    assert properties["ticket"] == {"$ref": "#/$defs/Ticket"}
    assert properties["kind"] == {"type": "string", "enum": ["bug", "wish"]}
    assert {"$ref": "#/$defs/Money"} in properties["price"]["anyOf"]
    assert {"type": "null"} in properties["price"]["anyOf"]
    # Codex drops limits and defaults, so that the model learns of them from the description alone.
    count = {"type": "integer", "description": "minimum: 1; default: 1", "minimum": 1, "default": 1}
    assert properties["count"] == count
    assert set(schema["$defs"]) == {"Ticket", "Place", "Level", "Money"}


def test_the_function_can_be_renamed_described_and_grouped() -> None:
    @tool(name="find", description="Find one.", namespace="crm")
    def function() -> None:
        """Something else."""

    assert (function.name, function.description, function.namespace) == ("find", "Find one.", "crm")
    assert function.input_schema["properties"] == {}


async def test_a_tool_can_still_be_called_by_the_program() -> None:
    assert await lookup_ticket("T-1", verbose=True) == Ticket("T-1", ["verbose"])


def positional_only(a: int, /) -> None: ...
def any_number(*a: int) -> None: ...
def any_name(**a: int) -> None: ...
def unknown(a: NoSuchType) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def unfit(a: threading.Event) -> None: ...
def compiled(a: re.Pattern[str]) -> None: ...
def united(a: Ticket | Screw) -> None: ...


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (positional_only, "a: 'int' cannot be given by name"),
        (any_number, r"\*a: 'int' cannot be given by name"),
        (any_name, r"\*\*a: 'int' cannot be given by name"),
        (unknown, "its signature cannot be read: name 'NoSuchType' is not defined"),
        (
            unfit,
            "a has no JSON Schema: JSON has no threading.Event; use a type that JSON has .*or take a str and convert it",
        ),
        (compiled, "a has no JSON Schema: JSON has no re.Pattern; use a type that JSON has"),
        (united, "a has no JSON Schema: Type unions .*use msgspec.Structs with tag=True"),
    ],
)
def test_a_parameter_that_cannot_be_described_is_named(function: Any, why: str) -> None:
    with pytest.raises(TypeError, match=f"tool {function.__name__}: {why}"):
        tool(function)


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 65])
def test_a_name_must_be_one(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a tool"):
        Tool(name, "", {}, print)
    with pytest.raises(ValueError, match="cannot name a tool"):
        Tool("fine", "", {}, print, namespace=name)


def test_two_tools_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="lookup_ticket"):
        open_codex_client(tools=[lookup_ticket, lookup_ticket.function])


async def test_tools_go_along_with_each_new_thread(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    by_hand = [Tool(name, "does", {"type": "object"}, print, namespace="crm") for name in ("a", "b")]
    async with open_codex_client(server.transport(), tools=[lookup_ticket, *by_hand]) as client:
        await client.chat_once("go")
        await client.request("thread/start", {"cwd": "/w"})
        await client.request("thread/start", {"dynamicTools": []})
    started = [m["params"] for m in server.received if m.get("method") == "thread/start"]
    assert server.received[0]["params"]["capabilities"]["experimentalApi"] is True
    function = {
        "type": "function",
        "name": "lookup_ticket",
        "description": lookup_ticket.description,
        "inputSchema": lookup_ticket.input_schema,
    }
    entries = [
        {"type": "function", "name": name, "description": "does", "inputSchema": {"type": "object"}} for name in "ab"
    ]
    dumped = [function, {"type": "namespace", "name": "crm", "description": "crm", "tools": entries}]
    assert started == [{"dynamicTools": dumped}, {"dynamicTools": dumped, "cwd": "/w"}, {"dynamicTools": []}]


async def test_without_tools_nothing_goes_along(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        await client.chat_once("go")
    assert server.received[0]["params"]["capabilities"]["experimentalApi"] is False
    assert [m["params"] for m in server.received if m.get("method") == "thread/start"] == [{}]


async def test_a_thread_may_have_separate_tools(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()

    @tool(name="lookup_ticket")
    async def other(id: str) -> str:  # noqa: A002
        return f"other {id}"

    async with open_codex_client(server.transport(), tools=[lookup_ticket]) as client:
        thread = await client.start_thread(cwd="/w", tools=[other])
        params = {"callId": "c", "tool": "lookup_ticket", "arguments": {"id": "T-1"}}
        server.on_turn(ask_server_request("item/tool/call", params))
        server.on_turn(ask_server_request("item/tool/call", params))
        await thread.chat_once("go")
        await client.chat_once("go")
    first, second = [m["params"] for m in server.received if m.get("method") == "thread/start"]
    assert [one["inputSchema"] for one in first["dynamicTools"]] == [other.input_schema]
    assert [one["inputSchema"] for one in second["dynamicTools"]] == [lookup_ticket.input_schema]
    assert [text(one["result"]) for one in server.answers] == ["other T-1", '{"id":"T-1","tags":[]}']


@pytest.mark.parametrize("has_own", [True, False])
async def test_a_fork_has_the_tools_of_the_thread_that_was_forked(autojump_clock: Clock, has_own: bool) -> None:
    server = ScriptedAppServer()

    @tool(name="lookup_ticket")
    async def other(id: str) -> str:  # noqa: A002
        return f"other {id}"

    params = {"callId": "c", "tool": "lookup_ticket", "arguments": {"id": "T-1"}}
    server.default(ask_server_request("item/tool/call", params))
    async with open_codex_client(server.transport(), tools=[lookup_ticket]) as client:
        thread = await client.start_thread(tools=[other] if has_own else None)
        await thread.chat_once("go")
        fork = await thread.fork()
        await fork.chat_once("go")
        again = await client.fork_thread(fork.id)
        await again.chat_once("go")
    answer = "other T-1" if has_own else '{"id":"T-1","tags":[]}'
    assert [text(one["result"]) for one in server.answers] == [answer] * 3


async def test_a_thread_may_have_no_tools_though_its_client_has(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport(), tools=[lookup_ticket]) as client:
        await client.start_thread(tools=[])
    (params,) = [m["params"] for m in server.received if m.get("method") == "thread/start"]
    assert params == {"dynamicTools": []}


async def test_tools_of_a_thread_need_the_experimental_api(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(ValueError, match="experimental_api=True"):
            await client.start_thread(tools=[lookup_ticket])
        await client.start_thread(tools=[])
    assert [m["params"] for m in server.received if m.get("method") == "thread/start"] == [{}]


# --- how it is called


async def test_arguments_are_converted_and_the_result_encoded(autojump_clock: Clock) -> None:
    result = await call([lookup_ticket], "lookup_ticket", {"id": "T-1", "verbose": True})
    assert result == {
        "contentItems": [{"type": "inputText", "text": '{"id":"T-1","tags":["verbose"]}'}],
        "success": True,
    }


async def test_arguments_of_all_kinds_are_converted(autojump_clock: Clock) -> None:
    arguments = {
        "ticket": {"id": "T-1"},
        "place": {"city": "Oslo"},
        "level": "high",
        "kind": "bug",
        "price": {"amount": 3},
    }
    result = await call([file_ticket], "file_ticket", arguments)
    assert text(result) == "T-1 Oslo HIGH bug Money(amount=3) 1 ['a']"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "missing required field `id`"),
        ({"id": 1}, "Expected `str`, got `int` - at `$.id`"),
        ({"id": "T-1", "more": 1}, "unknown field `more`"),
        ([], "Expected `object`, got `array`"),
        (None, "missing required field `id`"),
    ],
)
async def test_wrong_arguments_are_reported_to_the_model(
    arguments: Any, why: str, autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    result = await call([lookup_ticket], "lookup_ticket", arguments)
    assert result["success"] is False
    assert text(result).startswith("Wrong arguments for lookup_ticket: ")
    assert why in text(result)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("is_async", [True, False])
async def test_an_exception_of_a_tool_is_sent_to_the_model_and_logged(
    is_async: bool, autojump_clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise LookupError("no such ticket")

    async def broken_too() -> None:
        broken()

    result = await call(
        [
            tool(
                broken_too if is_async else broken,
            )
        ],
        "broken_too" if is_async else "broken",
        {},
    )
    assert result["success"] is False
    assert "failed: LookupError: no such ticket" in text(result)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError


async def test_a_result_that_cannot_be_encoded_is_a_failed_one(autojump_clock: Clock) -> None:
    async def strange() -> object:
        return object()

    result = await call([strange], "strange", {})
    assert result["success"] is False
    assert "failed: TypeError" in text(result)


IMAGE = ToolImage.from_bytes(b"png")


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("plain", [{"type": "inputText", "text": "plain"}]),
        (None, [{"type": "inputText", "text": ""}]),
        (["a", 1], [{"type": "inputText", "text": '["a",1]'}]),
        (IMAGE, [{"type": "inputImage", "imageUrl": IMAGE.url}]),
        (
            ["see:", IMAGE, {"a": 1}],
            [
                {"type": "inputText", "text": "see:"},
                {"type": "inputImage", "imageUrl": IMAGE.url},
                {"type": "inputText", "text": '{"a":1}'},
            ],
        ),
    ],
)
async def test_results_are_text_images_or_json(value: Any, items: Any, autojump_clock: Clock) -> None:
    async def give() -> Any:
        return value

    assert await call([give], "give", {}) == {"contentItems": items, "success": True}


def test_an_image_is_a_data_url() -> None:
    assert (
        ToolImage.from_bytes(b"\xff", "image/jpeg").url
        == "data:image/jpeg;base64," + base64.b64encode(b"\xff").decode()
    )


async def test_a_sync_function_runs_in_a_worker_thread(autojump_clock: Clock) -> None:
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert text(await call([where], "where", {})) == "false"


async def test_a_callable_of_any_make_can_be_a_tool(autojump_clock: Clock) -> None:
    class Adder:
        async def __call__(self, a: int, b: int = 2) -> int:
            return a + b

    verbose = functools.partial(lookup_ticket.function, verbose=True)
    assert text(await call([tool(name="adder")(Adder())], "adder", {"a": 1})) == "3"
    assert text(await call([tool(name="five")(verbose)], "five", {"id": "x"})) == '{"id":"x","tags":["verbose"]}'


async def test_a_tool_by_hand_gets_its_arguments_as_they_are(autojump_clock: Clock) -> None:
    async def function(arguments: Mapping[str, Any]) -> Any:
        return arguments

    by_hand = Tool("echo", "Echo.", {"type": "object"}, function, namespace="crm")
    assert text(await call([by_hand], "echo", {"a": [1]}, "crm")) == '{"a":[1]}'
    assert text(await call([by_hand], "echo", {"a": [1]})) == "This client has no such tool."
    assert (await call([by_hand], "echo", [1], "crm"))["success"] is False


class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


@attrs.define
class Screw:
    length: float
    tags: list[str] = attrs.Factory(list)


class Folder(pydantic.BaseModel):
    path: Path
    size: Size = Size.SMALL


async def test_paths_attrs_classes_and_pydantic_models_are_arguments_and_results(autojump_clock: Clock) -> None:
    async def rearrange(
        path: Path,
        folders: list[Folder],
        screw: Screw,
        number: Literal[1, 2],
        size: Size,
        other: trio.Path | None = None,
    ) -> Any:
        assert isinstance(path, Path)
        assert isinstance(other, trio.Path)
        assert isinstance(size, Size)
        return {"path": path.parent, "screw": screw, "number": number, "size": size, "folder": folders[0]}

    arguments = {"path": "/a/b", "folders": [{"path": "/c", "size": 2}], "screw": {"length": 3}, "number": 2, "size": 1}
    assert text(await call([rearrange], "rearrange", {**arguments, "other": "/d"})) == (
        '{"path":"/a","screw":{"length":3.0,"tags":[]},"number":2,"size":1,"folder":{"path":"/c","size":2}}'
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"path": 1, "folder": {"path": "/a"}}, "Expected `str`, got `int` - at `$.path`"),
        (
            {"path": "/a", "folder": {"path": []}},
            f"Input is not a valid path for {Path} - at `$.folder.path`",
        ),
        ({"path": "/a", "folder": {}}, "Field required - at `$.folder.path`"),
    ],
)
async def test_wrong_paths_and_models_are_reported_to_the_model(
    arguments: Any, why: str, autojump_clock: Clock
) -> None:
    async def look(path: Path, folder: Folder) -> None: ...

    result = await call([look], "look", arguments)
    assert (result["success"], text(result)) == (False, f"Wrong arguments for look: {why}")


async def test_a_parameter_may_have_any_name(autojump_clock: Clock) -> None:
    async def odd(__x: int, self: int = 2, *, _y: int = 3, cls: list[int] = []) -> Any:  # noqa: B006
        return [__x, self, _y, cls]

    assert list(tool(odd).input_schema["properties"]) == ["__x", "self", "_y", "cls"]
    assert text(await call([odd], "odd", {"__x": 1, "_y": 4})) == "[1,2,4,[]]"


async def test_a_dataclass_may_be_a_tool(autojump_clock: Clock) -> None:
    schema = tool(Ticket).input_schema
    assert (schema["required"], list(schema["properties"])) == (["id"], ["id", "tags"])
    assert text(await call([tool(name="make")(Ticket)], "make", {"id": "T-1"})) == '{"id":"T-1","tags":[]}'


async def test_an_async_function_behind_a_plain_one_is_awaited(autojump_clock: Clock) -> None:
    async def where(id: str) -> str:  # noqa: A002
        await trio.lowlevel.checkpoint()
        return f"{id} {threading.current_thread() is threading.main_thread()}"

    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **named: Any) -> Any:
            return function(*args, **named)

        return wrapper

    tools = [logged(where), tool(name="lambda")(lambda id: where(id))]  # noqa: A006
    assert text(await call(tools, "where", {"id": "x"})) == "x True"
    assert text(await call(tools, "lambda", {"id": "x"})) == "x True"


async def test_an_unknown_tool_fails_and_the_turn_goes_on(autojump_clock: Clock) -> None:
    result = await call([lookup_ticket], "nosuch", {})
    assert (result["success"], text(result)) == (False, "This client has no such tool.")


async def test_cancelling_the_turn_cancels_its_running_tools(autojump_clock: Clock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_server_request("item/tool/call", {"tool": "slow", "arguments": {}}), hang())
    log: list[str] = []

    async def slow() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append(f"ended at {trio.current_time():.0f}")

    async with open_codex_client(server.transport(), tools=[slow]) as client:
        with trio.move_on_after(5):
            await client.chat_once("go")
        await trio.sleep(1)
        assert log == ["ended at 5"]
    assert server.answers == []
