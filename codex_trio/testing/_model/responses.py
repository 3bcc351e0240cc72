"""One call of the Responses API over HTTP/1.1: read the request, write the response. Knows nothing about scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import h11
import msgspec
import trio

from .._model_errors import dump_http_error, make_http_error
from .._wire_shapes import split_text

Event = dict[str, Any]

_HEADERS_LIMIT = 1 << 20  # bytes; codex sends the workspace's git metadata in a header
_NEW_TASK = "Message Type: NEW_TASK"
_NOTIFICATION = "<subagent_notification>"
_BATCH = 1 << 16  # bytes of events per chunk


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request from codex to the model.

    Attributes:
        body: The JSON body, with ``model``, ``input``, ``tools`` and so on.
        headers: The HTTP headers, by lower-case name.
        prompt: The text of the last user message in ``input``, or of a sub-agent's task; empty if there is none.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    prompt: str

    @classmethod
    def from_wire(cls, body: Mapping[str, Any], headers: Mapping[str, str]) -> ModelRequest:
        return cls(body, headers, _last_prompt(_items(body)))

    @property
    def is_of_agent(self) -> bool:
        """Whether the request is from a sub-agent."""
        return self.headers.get("x-openai-subagent") == "collab_spawn"

    @property
    def offered_tools(self) -> set[tuple[str, str]]:
        """The tools that the model may call, as pairs of namespace and name. The namespace may be empty.

        Codex lists the tools in ``tools`` for an unknown model, and in the first item of ``input`` for an account's
        model.
        """
        tools = list(self.body.get("tools") or [])
        for item in _items(self.body):
            if item.get("type") == "additional_tools":
                tools += item.get("tools") or []
        offered: set[tuple[str, str]] = set()
        for tool in tools:
            name = str(tool.get("name") or tool.get("type"))
            if tool.get("type") == "namespace":
                offered.update((name, str(inner.get("name"))) for inner in tool.get("tools") or [])
            else:
                offered.add(("", name))
        return offered

    @property
    def tool_outputs(self) -> Iterator[str]:
        """The results of tool calls in ``input``, oldest first."""
        for item in _items(self.body):
            if str(item.get("type")).endswith("_call_output"):
                output = item.get("output")
                parts = output if isinstance(output, list) else [{"text": output}]
                yield "\n".join(str(part.get("text")) for part in parts if isinstance(part, dict))

    @property
    def turn_id(self) -> str:
        """The id of the call's turn; empty if codex does not send it."""
        return str(self._metadata.get("turn_id") or "")

    @property
    def kind(self) -> str:
        """The purpose of the call: ``turn``, or another one such as ``compaction``."""
        try:
            metadata = json.loads(self._metadata.get("x-codex-turn-metadata") or "{}")
        except (TypeError, ValueError):
            return "turn"
        return str(metadata.get("request_kind") or "turn") if isinstance(metadata, dict) else "turn"

    @property
    def answered_calls(self) -> list[str]:
        """The ids of the tool calls whose results are at the end of the request, last one first."""
        calls: list[str] = []
        for item in reversed(_items(self.body)):
            if str(item.get("type")).endswith("_call_output"):
                calls.append(str(item.get("call_id")))
            elif not (_is_instruction(item) or _is_report(item)):
                break
        return calls

    @property
    def ends_with_report(self) -> bool:
        """Whether the only news since the model's last response is that a sub-agent has finished."""
        items = [item for item in _items(self.body) if not _is_instruction(item)]
        return bool(items) and _is_report(items[-1])

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.body.get("client_metadata")
        return metadata if isinstance(metadata, dict) else {}


class Exchange:
    """One HTTP request and its response, on a connection that carries no others."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEADERS_LIMIT)
        self._is_started = False

    async def receive(self) -> tuple[h11.Request, bytes] | None:
        """Read the request with its body; `None` if the peer disconnected or does not use HTTP."""
        request: h11.Request | None = None
        body: list[bytes] = []
        while True:
            try:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    await self._answer_expectation()
                    self._http.receive_data(bytes(await self._stream.receive_some()))
                    continue
            except (h11.RemoteProtocolError, trio.BrokenResourceError):
                return None
            match event:
                case h11.Request():
                    request = event
                case h11.Data():
                    body.append(bytes(event.data))
                case h11.EndOfMessage() if request is not None:
                    return request, b"".join(body)
                case _:
                    return None

    async def wait_dropped(self) -> None:
        """Wait until the peer disconnects."""
        try:
            while await self._stream.receive_some():
                pass
        except trio.BrokenResourceError:
            pass

    async def refuse(self, status: int, message: str) -> None:
        """Respond with an HTTP error and a JSON body that contains the message."""
        await self.refuse_with(status, make_http_error(message))

    async def refuse_with(self, status: int, error: Mapping[str, Any]) -> None:
        """Respond with an HTTP error and a JSON body with this ``error``."""
        body = dump_http_error(error).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        await self._send(h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())

    async def start(self) -> None:
        """Send the HTTP head of the event stream, unless it was sent."""
        if not self._is_started:
            self._is_started = True
            headers = [("content-type", "text/event-stream"), ("connection", "close")]
            await self._send(h11.Response(status_code=200, headers=headers))

    async def stream(self, events: Iterable[Event]) -> None:
        """Send server-sent events. Sends the HTTP head first."""
        await self.start()
        batch = bytearray()
        for event in events:
            batch += b"event: %b\ndata: %b\n\n" % (event["type"].encode(), msgspec.json.encode(event))
            if len(batch) >= _BATCH:
                await self._send(h11.Data(data=bytes(batch)))
                batch.clear()
        if batch:
            await self._send(h11.Data(data=bytes(batch)))

    async def finish(self) -> None:
        """End the event stream properly. Without this, it breaks off for the peer."""
        await self._send(h11.EndOfMessage())

    async def _answer_expectation(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            await self._send(h11.InformationalResponse(status_code=100, headers=[]))

    async def _send(self, *events: h11.Event) -> None:
        data = b"".join(self._http.send(event) or b"" for event in events)
        if data:
            await self._stream.send_all(data)


def created_events(response_id: str) -> Iterator[Event]:
    """Return the event that starts a response."""
    yield {"type": "response.created", "response": {"id": response_id}}


def completed_events(response_id: str) -> Iterator[Event]:
    """Return the event that ends a response, with made-up usage."""
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }
    yield {"type": "response.completed", "response": {"id": response_id, "usage": usage}}


def failed_events(code: str, message: str) -> Iterator[Event]:
    """Return the event that ends a response with an error."""
    yield {"type": "response.failed", "response": {"status": "failed", "error": {"code": code, "message": message}}}


def message_events(item_id: str, text: str, *, phase: str | None, pieces: int | None) -> Iterator[Event]:
    """Return the events of an assistant message. Codex reads `phase` both when the item is added and when it is done."""
    item: Event = {"type": "message", "role": "assistant", "id": item_id, "content": []}
    if phase is not None:
        item["phase"] = phase
    yield {"type": "response.output_item.added", "item": item}
    for piece in split_text(text, pieces):
        yield {"type": "response.output_text.delta", "item_id": item_id, "delta": piece}
    content = [{"type": "output_text", "text": text}]
    yield {"type": "response.output_item.done", "item": {**item, "content": content}}


def reasoning_events(item_id: str, text: str) -> Iterator[Event]:
    """Return the events of a block of reasoning, as the summary that codex shows."""
    place = {"item_id": item_id, "summary_index": 0}
    item: Event = {"type": "reasoning", "id": item_id, "summary": [], "encrypted_content": None}
    yield {"type": "response.output_item.added", "item": item}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}}
    for piece in split_text(text, None):
        yield {"type": "response.reasoning_summary_text.delta", **place, "delta": piece}
    summary = [{"type": "summary_text", "text": text}]
    yield {"type": "response.output_item.done", "item": {**item, "summary": summary}}


def call_events(item_id: str, call_id: str, call: Mapping[str, Any]) -> Iterator[Event]:
    """Return the event of a tool call."""
    yield {"type": "response.output_item.done", "item": {**call, "id": item_id, "call_id": call_id}}


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = body.get("input")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _is_instruction(item: Mapping[str, Any]) -> bool:
    """Whether an item is a message that codex may add anywhere."""
    return item.get("role") in ("developer", "system")


def _is_task(item: Mapping[str, Any]) -> bool:
    """Whether an item gives a sub-agent its task."""
    return item.get("type") == "agent_message" and any(text.startswith(_NEW_TASK) for text in _texts_of(item))


def _is_report(item: Mapping[str, Any]) -> bool:
    """Whether an item is a sub-agent's report that it has finished."""
    if item.get("type") == "agent_message":
        return not _is_task(item)
    return item.get("role") == "user" and any(text.startswith(_NOTIFICATION) for text in _texts_of(item))


def _texts_of(item: Mapping[str, Any]) -> list[str]:
    parts = item.get("content")
    found = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return [str(part["text"]) for part in found if part.get("type") == "input_text" and "text" in part]


def _last_prompt(items: list[Mapping[str, Any]]) -> str:
    for item in reversed(items):
        texts = _texts_of(item)
        if _is_task(item):
            # A sub-agent's task. The first text is a header; codex sends the task itself as encrypted content.
            sealed = [part["encrypted_content"] for part in item["content"] if "encrypted_content" in part]
            return "\n".join([*texts[1:], *map(str, sealed)])
        if item.get("type") == "message" and item.get("role") == "user" and not _is_report(item):
            return "\n".join(texts)
    return ""
