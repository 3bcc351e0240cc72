"""Tests of your own program, without a network or an account. With a mock clock, 200 seconds of silence take no time.

pip install pytest pytest-trio
python -m pytest examples/test_my_agent.py
python examples/test_my_agent.py                   # the same
python examples/test_my_agent.py --demo            # the program itself, with the real codex binary and a scripted model

The server in memory and the scripted model for the real binary use the same scripts.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack

import pytest
import trio

from codex_trio import (
    ApprovalRequest,
    CodexClient,
    CodexTurnInactiveError,
    CommandApprovalRequest,
    Decision,
    WebSocketTransport,
    open_codex_client,
)
from codex_trio.testing import ScriptedAppServer, ask_approval, open_scripted_model, run, say, think, wait
from codex_trio.text import clean_text

# --- the program


async def ask_and_wait(client: CodexClient, question: str) -> str:
    """Ask, and wait for the answer. Print a message for each minute without events."""
    turn = client.chat_once(question, inactivity_timeout=60)
    while True:
        try:
            return (await turn).final_text
        except CodexTurnInactiveError as exc:
            print(f"no events for {exc.idle_seconds:.0f} s")
            turn = client.chat_once(continuation=exc.continuation, inactivity_timeout=60)


async def allow_little(request: ApprovalRequest) -> Decision:
    if not isinstance(request, CommandApprovalRequest) or request.kind != "command" or request.extra_permissions:
        return request.decline()
    return request.accept() if request.script == "git status" else request.decline()


# --- its tests


@pytest.mark.trio
async def test_a_slow_turn_is_waited_for(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ScriptedAppServer()
    server.on_turn(think("hm"), run("ls", output="a b"), wait(200), say("two files"))
    async with open_codex_client(server.transport()) as client:
        assert await ask_and_wait(client, "How many files are here?") == "two files"
    assert server.prompts == ["How many files are here?"]
    assert 200 <= trio.current_time() < 201
    assert capsys.readouterr().out == "no events for 60 s\nno events for 120 s\nno events for 180 s\n"


@pytest.mark.trio
@pytest.mark.parametrize(("command", "decision"), [("git status", "accept"), ("git push", "decline")])
async def test_little_is_allowed(command: str, decision: str, autojump_clock: trio.testing.MockClock) -> None:
    server = ScriptedAppServer()
    server.on_turn(ask_approval(command), say("done"))
    async with open_codex_client(server.transport(), on_approval=allow_little) as client:
        await ask_and_wait(client, "What has changed?")
    assert [answer["result"] for answer in server.answers] == [{"decision": decision}]


# --- the program itself


async def play_demo(transport: str | None) -> None:
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(open_scripted_model())
        model.on_turn(think("hm"), run("ls"), wait(0.5), say("two files"))
        if transport == "websocket":
            opened = open_codex_client(WebSocketTransport(await stack.enter_async_context(model.listening())))
        else:
            opened = open_codex_client(model.transport())
        client = await stack.enter_async_context(opened)
        print(clean_text(await ask_and_wait(client, "How many files are here?"), indent="    "))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transport", choices=["stdio", "websocket"], help="transport of the demo (default: stdio)")
    parser.add_argument("--demo", action="store_true", help="run the program, with a scripted model")
    options = parser.parse_args()
    if options.transport and not options.demo:
        parser.error("--transport needs --demo")
    if not options.demo:
        sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider", "--override-ini", "addopts="]))
    try:
        sys.exit(trio.run(play_demo, options.transport))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
