"""A client that knows only request ids: it sends messages and returns what arrives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from codex_trio import Transport

Message = dict[str, Any]
HELLO = {"clientInfo": {"name": "me", "version": "7"}}


class RawClient:
    """One connection, driven by hand.

    Attributes:
        seen: What came, in order.
        sent: What went, in order.
        batches: The names of what came together.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.seen: list[Message] = []
        self.sent: list[Message] = []
        self.batches: list[list[str]] = []
        self._read = 0
        self._last_id = 0

    async def send(self, *messages: Message) -> None:
        self.sent += messages
        await self.transport.send([json.dumps(message).encode() for message in messages])

    async def next(self) -> Message:
        while self._read == len(self.seen):
            batch = [json.loads(message) for message in await self.transport.receive()]
            self.batches.append([name_of(message) for message in batch])
            self.seen += batch
        self._read += 1
        return self.seen[self._read - 1]

    async def until(self, name: str) -> list[Message]:
        """Return the messages up to one of this method, or of this name."""
        messages = [await self.next()]
        while name not in (messages[-1].get("method"), name_of(messages[-1])):
            messages.append(await self.next())
        return messages

    async def request(self, method: str, params: Any = None) -> Message:
        """Return the answer to a request; what comes before it is dropped, but stays in `seen`."""
        self._last_id += 1
        await self.send({"id": self._last_id, "method": method, "params": params or {}})
        message = await self.next()
        while "method" in message or message["id"] != self._last_id:
            message = await self.next()
        return message

    async def result(self, method: str, **params: Any) -> Any:
        return (await self.request(method, params))["result"]

    async def refusal(self, method: str, **params: Any) -> tuple[int, str]:
        error = (await self.request(method, params))["error"]
        return error["code"], error["message"]

    async def start_thread(self, **params: Any) -> str:
        thread_id = (await self.result("thread/start", **params))["thread"]["id"]
        await self.until("thread/started")
        return str(thread_id)

    async def start_turn(self, thread_id: str, prompt: str = "hi", **params: Any) -> str:
        text = [{"type": "text", "text": prompt}]
        result = await self.result("turn/start", threadId=thread_id, input=text, **params)
        return str(result["turn"]["id"])

    async def play(self, thread_id: str, prompt: str = "hi", **params: Any) -> list[Message]:
        """Return the messages of a whole turn."""
        await self.start_turn(thread_id, prompt, **params)
        return await self.until("turn/completed")


def name_of(message: Message) -> str:
    """Return the method, and of items also the type."""
    item = (message.get("params") or {}).get("item", {}).get("type")
    return "response" if "method" not in message else message["method"] + (f" {item}" if item else "")


def names(messages: Sequence[Message]) -> list[str]:
    return [name_of(message) for message in messages]
