"""Ask until the turn goes quiet, and read streams into a list."""

from __future__ import annotations

import pytest
import trio

from codex_trio import ChatContinuation, CodexClient, CodexTurnInactiveError, ConversationStep, StepStream


async def go_quiet(client: CodexClient, text: str = "hello", timeout: float | None = None) -> ChatContinuation:
    """Ask with `chat_once`, and return the continuation of the error that it must raise."""
    with pytest.raises(CodexTurnInactiveError) as caught:
        await client.chat_once(text, inactivity_timeout=timeout)
    return caught.value.continuation


async def read(stream: StepStream, steps: list[ConversationStep], *, pause: float = 0) -> None:
    """Add the steps of a stream to `steps`, however it ends, and pause after each."""
    async for step in stream:
        steps.append(step)
        await trio.sleep(pause)


async def go_quiet_in_stream(client: CodexClient, text: str = "hello") -> tuple[list[str], ChatContinuation]:
    """Ask with `chat`, and return the steps that came, and the continuation of the error that it must raise."""
    steps: list[ConversationStep] = []
    with pytest.raises(CodexTurnInactiveError) as caught:
        await read(client.chat(text), steps)
    return [step.text for step in steps], caught.value.continuation
