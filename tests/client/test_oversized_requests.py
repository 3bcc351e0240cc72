"""What is too long for the server's transport is refused before the wire, and harms nothing else."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from codex_trio import Transport, open_codex_client
from codex_trio.testing import ScriptedAppServer


def narrow(server: ScriptedAppServer) -> Transport:
    transport = server.transport()
    transport.max_send_size = 1_000
    return transport


async def test_a_request_over_the_limit_is_refused_and_the_next_one_works(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(narrow(server)) as client:
        with pytest.raises(ValueError, match=r"^thread/list is 2,0\d\d bytes long.* more than 1,000; it was not sent"):
            await client.request("thread/list", {"searchTerm": "x" * 2_000})
        assert "thread/list" not in server.received_methods()
        assert (await client.request("thread/list"))["data"] == []
        assert client.statistics().requests_in_flight == 0


async def test_a_notification_over_the_limit_is_refused(autojump_clock: MockClock) -> None:
    async with open_codex_client(narrow(ScriptedAppServer())) as client:
        with pytest.raises(ValueError, match=r"^note is "):
            await client.notify("note", {"text": "x" * 2_000})


async def test_a_turn_over_the_limit_leaves_its_thread_free(autojump_clock: MockClock) -> None:
    server = ScriptedAppServer()
    async with open_codex_client(narrow(server)) as client:
        thread_id = (await client.chat_once("short")).thread_id
        with pytest.raises(ValueError, match=r"^turn/start is "):
            await client.chat_once("x" * 2_000, thread_id)
        assert (await client.chat_once("short again", thread_id)).final_text == "ok"
    assert server.prompts == ["short", "short again"]
