"""What the real codex makes of the schemas of tools and of answers, and when it sends the calls of one answer."""

from __future__ import annotations

import enum
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest
import trio

from codex_trio import Tool, open_codex_client, tool
from codex_trio.testing import Step, call_tool, parallel, say, script_js
from tests.support.account_models import account_model
from tests.support.asking_model import PATIENCE, asking_model
from tests.support.real_codex import version_under_test
from tests.support.real_servers import Reach
from tests.support.versions import Versions


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Place(pydantic.BaseModel):
    path: Path
    kind: Literal["file", "folder"] = "file"


@dataclass
class Finding:
    level: Level
    kind: Literal["bug", "wish"]
    place: Place


MODELS = [pytest.param(None, marks=pytest.mark.extended), account_model(version_under_test())]
"""A model that codex does not know, and one of an account, which calls tools from JavaScript."""


def options(model: str | None) -> Any:
    return {} if model is None else {"model": model}


def sent_schema(request: Any, name: str) -> Any:
    """Return the schema of a tool in a request of codex to a model without code mode."""
    (found,) = [one["parameters"] for one in request.body["tools"] if one.get("name") == name]
    return found


async def test_the_types_of_a_tools_arguments_reach_the_model(reach: Reach, tmp_path: Path) -> None:
    @tool
    async def file_finding(
        finding: Finding,
        number: Literal[1, 2],
        few: Annotated[int, msgspec.Meta(ge=1, description="How many.")] = 3,
        rows: list = [],  # type: ignore[type-arg]  # noqa: B006
        anything: Any = None,
    ) -> str:
        """File a finding."""
        assert isinstance(finding.place.path, Path)
        return f"{finding.level.name} {finding.kind} {finding.place.kind} {number} {few} {rows} {anything}"

    finding = {"level": 2, "kind": "bug", "place": {"path": "/x"}}
    arguments = {"finding": finding, "number": 1, "rows": [1, "a", [None]], "anything": {"a": 1}}
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(call_tool("file_finding", arguments), say("done"))
            async with open_codex_client(make_transport(), tools=[file_finding]) as client:
                called, _ = (await client.chat_once("go")).steps
    assert called.data["contentItems"][0]["text"] == "HIGH bug file 1 3 [1, 'a', [None]] {'a': 1}"
    schema = sent_schema(model.requests[0], "file_finding")
    assert schema["properties"]["number"] == {"type": "integer", "enum": [1, 2]}
    assert schema["properties"]["few"] == {"type": "integer", "description": "How many. (minimum: 1; default: 3)"}
    assert schema["properties"]["rows"] == {"type": "array", "items": {"$ref": "#/$defs/Anything"}}
    assert schema["properties"]["anything"] == {"$ref": "#/$defs/Anything"}
    assert schema["$defs"]["Level"] == {"type": "integer", "enum": [1, 2]}
    assert schema["$defs"]["Finding"]["properties"]["kind"] == {"type": "string", "enum": ["bug", "wish"]}


async def test_codex_fills_the_gaps_of_a_schema_with_strings(reach: Reach, tmp_path: Path) -> None:
    gaps = {
        "enum": {"enum": [1, 2]},
        "const": {"const": 3},
        "array": {"type": "array"},
        "tuple": {"type": "array", "prefixItems": [{"type": "integer"}]},
        "limits": {"type": "integer", "minimum": 1, "default": 2, "description": "d"},
        "described": {"description": "d"},
    }
    schema = {"type": "object", "properties": gaps}
    raw = {"type": "function", "name": "raw", "description": "Raw.", "inputSchema": schema}
    by_hand = Tool("by_hand", "By hand.", schema, print)
    with trio.fail_after(PATIENCE):
        async with (
            asking_model() as model,
            reach(model, tmp_path) as make_transport,
            open_codex_client(make_transport(), experimental_api=True) as client,
        ):
            started = await client.request("thread/start", {"dynamicTools": [raw]})
            await client.chat_once("go", started["thread"]["id"])
            await (await client.start_thread(tools=[by_hand])).chat_once("go")
    made_up, filled = (
        sent_schema(request, name)["properties"]
        for request, name in zip(model.requests, ["raw", "by_hand"], strict=True)
    )
    assert made_up["enum"] == {"type": "string", "enum": [1, 2]}
    assert made_up["const"] == {"type": "string", "enum": [3]}
    assert made_up["array"] == {"type": "array", "items": {"type": "string"}}
    assert made_up["tuple"] == {"type": "array", "items": {"type": "string"}}
    assert made_up["limits"] == filled["limits"] == {"type": "integer", "description": "d"}
    assert made_up["described"] == {}
    assert filled["enum"] == {"type": "integer", "enum": [1, 2]}
    assert filled["const"] == {"type": "integer", "enum": [3]}
    assert filled["array"] == {"type": "array", "items": {"$ref": "#/$defs/Anything"}}
    assert filled["tuple"] == {"type": "array", "items": {"type": "integer"}}
    assert filled["described"] == {"$ref": "#/$defs/Anything", "description": "d"}


@pytest.mark.parametrize("model_name", MODELS)
async def test_answers_of_enums_lists_and_models_go_out_with_their_types(
    reach: Reach, tmp_path: Path, model_name: str | None
) -> None:
    finding = {"level": 1, "kind": "wish", "place": {"path": "/x", "kind": "folder"}}
    answer = "```json\n" + json.dumps({"value": [finding]}) + "\n```"
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(say(answer))
            model.on_turn(say('{"value": "wish"}'))
            async with open_codex_client(make_transport()) as client:
                result = await client.chat_once("find", output_type=list[Finding], **options(model_name))
                assert result.output == [Finding(Level.LOW, "wish", Place(path=Path("/x"), kind="folder"))]
                kind: Any = Literal["bug", "wish"]
                again = await client.chat_once("again", result.thread_id, output_type=kind)
                assert again.output == "wish"
    first, second = (request.body["text"]["format"] for request in model.requests)
    assert (first["type"], first["strict"]) == ("json_schema", True)
    assert first["schema"]["$defs"]["Level"] == {"title": "Level", "type": "integer", "enum": [1, 2]}
    assert first["schema"]["$defs"]["Finding"]["properties"]["kind"] == {"type": "string", "enum": ["bug", "wish"]}
    assert second["schema"]["properties"] == {"value": {"type": "string", "enum": ["bug", "wish"]}}


def both(name: str, model_name: str | None) -> Step:
    """Call a tool twice in one answer of the model."""
    if model_name is None:
        return parallel(call_tool(name, {"name": "a"}), call_tool(name, {"name": "b"}))
    return script_js(f"await Promise.all([tools.{name}({{name: 'a'}}), tools.{name}({{name: 'b'}})])")


@pytest.mark.parametrize("model_name", MODELS)
async def test_calls_of_one_answer_overlap_unless_they_may_not(
    reach: Reach, tmp_path: Path, model_name: str | None
) -> None:
    they_come_together = version_under_test() in Versions(since="0.165")
    lock = threading.Lock()
    plain_calls: list[str] = []
    free_calls: list[str] = []
    both_run = trio.Event()

    @tool
    def plain(name: str) -> str:
        """Take a moment, alone."""
        plain_calls.append(name)
        assert lock.acquire(blocking=False), "two calls at once"
        time.sleep(0.3)
        lock.release()
        return name

    @tool
    async def free(name: str) -> str:
        """Wait a moment for another call."""
        free_calls.append(name)
        if len(free_calls) == 2:
            both_run.set()
        with trio.move_on_after(PATIENCE if they_come_together else 0.3) as scope:
            await both_run.wait()
        return f"{name} {scope.cancelled_caught}"

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(both("plain", model_name), both("free", model_name), say("done"))
            async with open_codex_client(make_transport(), tools=[plain, free]) as client:
                result = await client.chat_once("go", **options(model_name))
    texts = [step.data["contentItems"][0]["text"] for step in result.steps if step.item_type == "dynamicToolCall"]
    assert sorted(plain_calls) == sorted(free_calls) == ["a", "b"]
    assert sorted(texts[:2]) == ["a", "b"]
    first, second = free_calls  # in either order
    assert sorted(texts[2:]) == sorted([f"{first} {not they_come_together}", f"{second} False"])
