"""Functions of this program that Codex may call. Their annotations define the schema, and arguments are validated.

python examples/give_codex_a_tool.py --prompt "Give each open ticket to Ann"
python examples/give_codex_a_tool.py --demo        # the real codex binary with a scripted model: no account needed

With --transport websocket, it connects to a running server: CODEX_APP_SERVER_WS_URL, or ws://127.0.0.1:8765.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import trio

from codex_trio import ConversationStep, StdioTransport, Transport, WebSocketTransport, open_codex_client, tool
from codex_trio.testing import call_tool, open_scripted_model, say
from codex_trio.text import clean_text


@dataclass
class Ticket:
    id: str
    title: str
    state: Literal["open", "closed"]


TICKETS = [Ticket("T-1", "The door squeaks", "open"), Ticket("T-2", "The window is stuck", "closed")]


@tool
async def list_tickets(
    state: Literal["open", "closed", "any"] = "any", limit: Annotated[int, msgspec.Meta(ge=1)] = 10
) -> list[Ticket]:
    """List the tickets of the house.

    Args:
        state: List only tickets in this state.
        limit: The maximum number of tickets.
    """
    await trio.sleep(0.1)  # stands for a database query; other turns and tools continue
    return [ticket for ticket in TICKETS if state in ("any", ticket.state)][:limit]


@tool(name="assign")
def assign_ticket(ticket_id: str, to: str) -> str:
    """Assign a ticket to a person."""  # not async, so it runs in a worker thread, one call at a time
    if ticket_id not in [ticket.id for ticket in TICKETS]:
        raise ValueError(f"unknown ticket {ticket_id}")  # sent to the model, and the turn continues
    return f"{ticket_id} is {to}'s now"


def answer_of(call: ConversationStep) -> str:
    """Return the result of a call. For tools of MCP servers, it is in another field."""
    parts = call.data.get("contentItems") or (call.data.get("result") or {}).get("content") or []
    return "\n".join(part.get("text") or f"({part.get('type')})" for part in parts)


async def main() -> None:
    options = parse_options()
    async with AsyncExitStack() as stack:
        transport = await make_transport(stack, options)
        client = await stack.enter_async_context(open_codex_client(transport, tools=[list_tickets, assign_ticket]))
        async for step in client.chat(options.prompt):
            if step.step_type == "tool":
                call = f"{step.text} {step.data['arguments']} -> {answer_of(step)}"
                print(f"[tool] {clean_text(call, indent='    ')}")
            else:
                print(f"[{step.step_type}] {clean_text(step.display_text, indent='    ')}")


async def make_transport(stack: AsyncExitStack, options: argparse.Namespace) -> Transport:
    is_websocket = options.transport == "websocket"
    if not options.demo:
        return WebSocketTransport() if is_websocket else StdioTransport()
    model = await stack.enter_async_context(open_scripted_model())
    model.on_turn(
        call_tool("list_tickets", {"state": "open"}),
        call_tool("assign", {"ticket_id": "T-1", "to": "Ann"}),
        say("The door was the only one. Ann has it."),
    )
    return WebSocketTransport(await stack.enter_async_context(model.listening())) if is_websocket else model.transport()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompt", default="Give the open tickets to Ann.", help="the message")
    parser.add_argument("--transport", choices=["stdio", "websocket"], default="stdio", help="how to reach the server")
    parser.add_argument("--demo", action="store_true", help="use a scripted model, without an account")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(trio.run(main))
    except* KeyboardInterrupt:
        print("stopped, and so is the turn")
    sys.exit(130)  # the exit code that shells use for a program that Ctrl-C ended
