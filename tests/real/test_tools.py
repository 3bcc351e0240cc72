"""Tools of the program that the real codex binary calls."""

from __future__ import annotations

import json
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from codex_trio import ToolImage, open_codex_client, tool
from codex_trio.testing import call_tool, say
from tests.support.asking_model import PATIENCE, asking_model
from tests.support.real_servers import Reach


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (  # one grey point
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\x00\x80"))
    + _chunk(b"IEND", b"")
)


@dataclass
class Ticket:
    id: str
    title: str = "none"


@tool
async def file_ticket(ticket: Ticket, urgent: bool = False) -> dict[str, Any]:
    """File a ticket.

    Args:
        ticket: What to file.
    """
    return {"filed": ticket.id, "urgent": urgent}


async def test_tools_are_offered_to_the_model_and_called(reach: Reach, tmp_path: Path) -> None:
    @tool(namespace="crm")
    def in_a_thread() -> bool:
        """Tell whether this is the main thread."""
        return threading.current_thread() is threading.main_thread()

    async def picture() -> Any:
        """Draw."""
        return ["see:", ToolImage.from_bytes(PNG)]

    async def broken() -> None:
        """Fail."""
        raise LookupError("no such ticket")

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(
                call_tool("file_ticket", {"ticket": {"id": "T-1"}}),
                call_tool("file_ticket", {"ticket": {"name": "T-1"}}),
                call_tool("in_a_thread", namespace="crm"),
                call_tool("broken"),
                call_tool("picture"),
                say("done"),
            )
            tools: list[Any] = [file_ticket, in_a_thread, picture, broken]
            async with open_codex_client(make_transport(), tools=tools) as client:
                result = await client.chat_once("go")
            offered = {one["name"]: one for one in model.requests[0].body["tools"] if "name" in one}
            assert offered["file_ticket"]["description"] == "File a ticket."
            assert "ticket" in offered["file_ticket"]["parameters"]["properties"]
            assert [one["name"] for one in offered["crm"]["tools"]] == ["in_a_thread"]
            outputs = [request.body["input"][-1]["output"] for request in model.requests[1:]]
    assert result.final_text == "done"
    statuses = [step.data["status"] for step in result.steps if step.item_type == "dynamicToolCall"]
    assert statuses == ["completed", "failed", "completed", "failed", "completed"]
    right, wrong, thread, failed, drawn = (json.dumps(one) for one in outputs)
    assert "T-1" in right
    assert "missing required field" in wrong
    assert "false" in thread
    assert "LookupError: no such ticket" in failed
    assert "data:image/png;base64," in drawn


async def test_cancelling_a_turn_cancels_its_slow_tool(reach: Reach, tmp_path: Path) -> None:
    began, ended = trio.Event(), trio.Event()

    async def slow() -> None:
        """Take long."""
        began.set()
        try:
            await trio.sleep_forever()
        finally:
            ended.set()

    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.on_turn(call_tool("slow"), say("never"))
            async with open_codex_client(make_transport(), tools=[slow]) as client:
                stream = client.chat("go")
                async with trio.open_nursery() as nursery:

                    async def close() -> None:
                        await began.wait()
                        nursery.cancel_scope.cancel()

                    nursery.start_soon(close)
                    async for _ in stream:
                        pass
                await ended.wait()
                assert client.statistics().server_requests == 0
                assert (await client.chat_once("next")).final_text == "ok"


async def test_a_fork_calls_the_tools_of_the_thread_that_was_forked(reach: Reach, tmp_path: Path) -> None:
    with trio.fail_after(PATIENCE):
        async with asking_model() as model, reach(model, tmp_path) as make_transport:
            model.default(call_tool("file_ticket", {"ticket": {"id": "T-1"}}), say("done"))
            async with open_codex_client(make_transport(), experimental_api=True) as client:
                thread = await client.start_thread(tools=[file_ticket])
                for _ in range(2):
                    called, _ = (await thread.chat_once("go")).steps
                    assert called.data["success"] is True
                    thread = await thread.fork()
