"""Thousands of turns over one client, of every kind that a program has: nothing of them may stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from codex_trio import (
    ApprovalRequest,
    ChatContinuation,
    CodexClient,
    CodexThread,
    CodexTimeoutError,
    CodexTurnInactiveError,
    Decision,
    StdioTransport,
    open_codex_client,
)
from tests.support.fake_server_command import server

from .holdings import tables, take_stock, wait_at_rest

_AT_ONCE = 8
_NEW_THREAD = 10  # every so many turns

# In the words of `fake_server`: it asks in a turn, tells of other people's, and has afterthoughts.
_SERVER = """
class Host(Server):
    asked = {}

    def handle(self, message):
        if "method" in message:
            super().handle(message)
        else:
            self.finish(*self.asked.pop(message["id"]))

    def finish(self, thread, turn):
        say("thank you", thread, turn)
        end_turn("completed", thread, turn)

    def _play(self, request, thread, prompt):
        if prompt != "ask":
            super()._play(request, thread, prompt)
            event("thread/name/updated", threadId=thread, threadName=prompt)
            if prompt == "afterthought":
                event("item/completed", threadId=thread, turnId=f"u{self._last_id}", item={"type": "sleep", "id": "late"})
            return
        turn = self._id("u")
        start_turn(request, thread, turn)
        changes = [{"path": "a.py", "kind": {"type": "add"}, "diff": "x" * 1000}]
        event("item/started", threadId=thread, turnId=turn, item={"type": "fileChange", "id": turn, "changes": changes})
        self.asked[self._last_id] = thread, turn
        params = {"threadId": thread, "turnId": turn, "itemId": turn, "startedAtMs": 0}
        send({"id": self._last_id, "method": "item/fileChange/requestApproval", "params": params})

host = Host()
while True:
    host.handle(receive())
"""


async def _accept(request: ApprovalRequest) -> Decision:
    return request.accept()


async def _whole(client: CodexClient, thread_id: str) -> None:
    assert (await client.chat_once("afterthought", thread_id)).final_text == "afterthought"


async def _steps(client: CodexClient, thread_id: str) -> None:
    assert [step.text async for step in client.chat("hello", thread_id)] == ["hello"]


async def _events(client: CodexClient, thread_id: str) -> None:
    assert len([event async for event in client.stream("hello", thread_id)]) == 3


async def _asking(client: CodexClient, thread_id: str) -> None:
    assert (await client.chat_once("ask", thread_id)).final_text == "thank you"


async def _dropped(client: CodexClient, thread_id: str) -> None:
    async for _ in client.chat("hang", thread_id):
        break


async def _closed(client: CodexClient, thread_id: str) -> None:
    async with client.stream("hang", thread_id) as events:
        await anext(events)


async def _cancelled(client: CodexClient, thread_id: str) -> None:
    with trio.move_on_after(0.002):
        await client.chat_once("hang", thread_id)


async def _hung(client: CodexClient, thread_id: str) -> ChatContinuation:
    try:
        await client.chat_once("hang", thread_id, inactivity_timeout=0.002)
    except CodexTurnInactiveError as exc:
        return exc.continuation
    raise AssertionError("it did not hang")


async def _interrupted(client: CodexClient, thread_id: str) -> None:
    assert (await client.cancel(await _hung(client, thread_id))).was_interrupted


async def _continued(client: CodexClient, thread_id: str) -> None:
    async with client.chat(continuation=await _hung(client, thread_id)) as steps:
        assert (await anext(steps)).text == "hang"


async def _unanswered(client: CodexClient, thread_id: str) -> None:
    with suppress(CodexTimeoutError):
        await client.request("hang", timeout=0.002)


_KINDS: tuple[Callable[[CodexClient, str], Awaitable[None]], ...] = (
    _whole, _steps, _events, _asking, _asking, _dropped, _closed, _cancelled, _interrupted, _continued,
    _unanswered,
)  # fmt: skip


class _Player:
    """Plays turns, several at once, on threads that stay and on threads that are left."""

    def __init__(self, client: CodexClient) -> None:
        self._client = client
        self._fresh = tables(client)
        self._played = 0

    async def play(self, until: int) -> None:
        """Play up to that many turns in all, and come to rest."""
        async with trio.open_nursery() as nursery:
            for _ in range(_AT_ONCE):
                nursery.start_soon(self._play, until)
        await wait_at_rest(self._client, self._fresh)

    async def _play(self, until: int) -> None:
        thread = await self._client.start_thread()
        while self._played < until:
            number, self._played = self._played, self._played + 1
            if number % _NEW_THREAD == 0:
                await _leave(thread)
                thread = await self._client.start_thread()
            await _KINDS[number % len(_KINDS)](self._client, thread.id)
        await _leave(thread)


async def _leave(thread: CodexThread) -> None:
    await thread.chat_once("goodbye")  # which waits for a turn that is being stopped
    await thread.unsubscribe()


async def many_turns(count: int, warmup: int) -> str:
    """Play `count` turns over one client; what is held after `warmup` of them is held at their end."""
    begun = trio.current_time()
    async with open_codex_client(StdioTransport(server(_SERVER)), on_approval=_accept) as client:
        player = _Player(client)
        await player.play(warmup)
        before = take_stock(client)
        await player.play(count)
        after = take_stock(client)
        after.assert_like(before)
        assert client.statistics().ignored_messages == 0
    return f"{count:,} turns in {trio.current_time() - begun:.1f} s: {before} after {warmup:,}, {after} at the end"
