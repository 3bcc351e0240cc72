"""What the caller gets: frozen, slotted values. `from_wire` is the only door from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal

import msgspec

from ._item_text import item_text
from ._item_text import script_of as script_of  # drawing and approvals import it from here
from ._json import as_object, as_text, shown

if TYPE_CHECKING:  # with a default, so that a bare `ChatResult` means any; Python has that from 3.13 on
    from typing_extensions import TypeVar

    OutputT = TypeVar("OutputT", default=Any)
else:
    from typing import TypeVar

    OutputT = TypeVar("OutputT")

__all__ = [
    "CancelResult",
    "ChatContinuation",
    "ChatResult",
    "CompletionSource",
    "ConversationStep",
    "InitializeResult",
    "Notification",
    "Statistics",
]

CompletionSource = Literal["turn_completed", "thread_read_fallback", "no_message"]
"""How a result came about.

`turn_completed`: the server announced the end of the turn. `thread_read_fallback`: it did not, and the turn's end was
read from its history. `no_message`: the turn completed and Codex said nothing, so `final_text` is empty.
"""

_STEP_TYPES: Mapping[str, str] = {
    "reasoning": "thinking",
    "commandExecution": "exec",
    "agentMessage": "codex",
    "mcpToolCall": "tool",
    "dynamicToolCall": "tool",
    "fileChange": "file",
}

_WITHHELD = "[message withheld by moderation]"


def _step_type(item_type: str, item: Mapping[str, Any]) -> str:
    if item_type == "agentMessage" and is_asynchronous(item) and item.get("questions"):
        return "ask"
    return _STEP_TYPES.get(item_type, item_type)


def is_asynchronous(item: Mapping[str, Any]) -> bool:
    """Whether a message is a question or a remark that Codex sent while it kept working, not the turn's answer."""
    return item.get("delivery") == "async"


class Value(msgspec.Struct, frozen=True):
    """What less common values are made of: importing makes one in a tenth of the time that a dataclass takes."""

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name not in _LONG and not name.startswith("_")]
        return f"{type(self).__name__}({', '.join(f'{name}={shown(getattr(self, name))}' for name in names)})"


_LONG = frozenset({"raw", "items", "diff", "request", "data"})


@dataclass(frozen=True, slots=True)
class InitializeResult:
    """The server's answer to `initialize`.

    Attributes:
        protocol_version: ``protocolVersion``, if the server tells one (codex 0.100 to 0.169 do not).
        server_info: ``serverInfo``, likewise; else name and version as `user_agent` has them.
        capabilities: ``capabilities``, likewise.
        user_agent: ``userAgent``, ``<client name>/<server version> (...)``.
        codex_home: ``codexHome``, the server's state directory.
        platform_family: ``platformFamily``, such as ``unix``.
        platform_os: ``platformOs``, such as ``linux``.
        raw: The whole answer.

    Example:
        ``print(client.server.user_agent)``
    """

    protocol_version: str | None
    server_info: Mapping[str, Any]
    capabilities: Mapping[str, Any]
    user_agent: str
    codex_home: str | None
    platform_family: str | None
    platform_os: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_wire(cls, obj: object) -> InitializeResult:
        """Read the result of `initialize`; whatever is missing or of another type becomes empty."""
        raw = as_object(obj)
        user_agent = as_text(raw.get("userAgent"))
        name, _, rest = user_agent.partition("/")
        server_info = as_object(raw.get("serverInfo"))
        if not server_info and rest:
            server_info = {"name": name, "version": rest.split(" ", 1)[0]}
        return cls(
            protocol_version=as_text(raw.get("protocolVersion")) or None,
            server_info=server_info,
            capabilities=as_object(raw.get("capabilities")),
            user_agent=user_agent,
            codex_home=as_text(raw.get("codexHome")) or None,
            platform_family=as_text(raw.get("platformFamily")) or None,
            platform_os=as_text(raw.get("platformOs")) or None,
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class ConversationStep:
    """A finished block of a turn.

    Codex may send a question or a remark and keep working without a reply (codex 0.155 on). Such a message has
    ``data["delivery"] == "async"`` and is not the turn's answer. The `step_type` of a question is ``ask``, and
    ``data["questions"]`` has the questions; reply with `CodexThread.steer`, or with the next message.

    Attributes:
        step_type: ``thinking``, ``exec``, ``codex`` (a message), ``ask`` (an asynchronous question), ``tool``,
            ``file``; for any other item, the item's own type.
        item_type: The server's name of it, such as ``commandExecution``.
        text: Text for people: the thought, the message, the command line, the tool's name, the changed files; for other
            items a few words, such as ``search the web: squeaking doors``. Empty if there is no text, as in a thought that
            the model does not send, and for item types newer than codex 0.171.
        item_id: Id of the item, unique in its turn; empty if the server gave none.
        thread_id: The thread of the turn.
        turn_id: The turn.
        data: The whole item as the server sent it, such as ``aggregatedOutput`` and ``exitCode`` of a command.

    Example:
        ``if step.step_type == "exec": print(step.text, step.data["exitCode"])``
    """

    step_type: str
    item_type: str
    text: str
    item_id: str
    thread_id: str
    turn_id: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def is_hidden(self) -> bool:
        """Whether moderation asks clients not to show this message (the item's ``moderation``, codex 0.169 on).

        `text` and `data` still contain what Codex wrote. Show `display_text` to people.
        """
        moderation = as_object(self.data.get("moderation"))
        if moderation.get("moderated") is not True:
            return False
        # `mode` since codex 0.171 (show, hide or block), `action` in 0.169. A moderated message without an instruction,
        # or with one that is newer than this version, is hidden: `text` still has what was hidden in error, while
        # nothing takes back what was shown in error.
        display = as_object(moderation.get("display"))
        return display.get("mode", display.get("action")) != "show"

    @property
    def display_text(self) -> str:
        """The text to show to people: `text`, or ``[message withheld by moderation]`` for a hidden message."""
        return _WITHHELD if self.is_hidden else self.text

    @classmethod
    def from_wire(cls, item: Mapping[str, Any], *, thread_id: str, turn_id: str) -> ConversationStep:
        """Read a thread item; an unknown type is a step of its own name."""
        item_type = as_text(item.get("type")) or "unknown"
        return cls(
            step_type=_step_type(item_type, item),
            item_type=item_type,
            text=item_text(item_type, item),
            item_id=as_text(item.get("id")),
            thread_id=thread_id,
            turn_id=turn_id,
            data=item,
        )


class OpenItem(Value, frozen=True):
    """An item that has started and not completed, such as a running command.

    Attributes:
        item_id: Id of the item.
        item_type: ``type`` of the item, such as ``commandExecution`` or ``sleep``.
        thread_id: The thread of the turn, or of a sub-agent that works for it.
        seconds: Seconds since the item started.
        data: The item as the server sent it in ``item/started``, for example with ``command`` and ``cwd``.

    Example:
        ``except CodexTurnInactiveError as exc: print([item.item_type for item in exc.open_items])``
    """

    item_id: str
    item_type: str
    thread_id: str
    seconds: float
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatResult(Generic[OutputT]):
    """A finished turn.

    Attributes:
        thread_id: The thread, for the next message.
        turn_id: The turn.
        final_text: Codex's answer; empty if there is none. It is the last message of phase ``final_answer``, else the
            last message without a known phase, else the last ``partial_answer`` (codex 0.163 on). If a completed turn
            has none of these, it is the last ``commentary``. If a completed turn has no other message at all, it is the
            last asynchronous message, which is a question or a remark that Codex sent while it worked.
        raw_events: The turn's notifications as the server sent them, in order, without deltas.
        assistant_item_id: Id of the message that `final_text` is from.
        completion_source: How this result came about, see `CompletionSource`.
        usage: ``tokenUsage`` as last told in this turn (``total`` is the thread's, ``last`` the last model call's).
        steps: The turn's steps, in the order of their completion.
        output: The answer as the `output_type` that was asked for, or as `output_schema` lets it be; `None` without.
        status: The turn's status as the server gave it: ``completed``, or one that this version does not know. In an
            error's `result`, also ``failed`` or ``interrupted``.
        is_hidden: Moderation asks clients not to show `final_text`; see `ConversationStep.is_hidden`.

    Example:
        ``result = await client.chat_once("Hello"); print(result.final_text, result.usage)``
    """

    thread_id: str
    turn_id: str
    final_text: str
    raw_events: tuple[Mapping[str, Any], ...] = field(repr=False)
    assistant_item_id: str | None
    completion_source: CompletionSource
    usage: Mapping[str, Any] | None
    steps: tuple[ConversationStep, ...]
    output: OutputT = None  # type: ignore[assignment]  # there is none unless one was asked for
    status: str = "completed"
    is_hidden: bool = False

    @property
    def display_text(self) -> str:
        """The text to show to people: `final_text`, or ``[message withheld by moderation]`` if it is hidden."""
        return _WITHHELD if self.is_hidden else self.final_text


@dataclass(frozen=True, slots=True)
class ChatContinuation:
    """Where a caller stopped waiting for a turn that runs on.

    In another client it wants codex 0.155 or newer, whose history calls items by the ids that they had live. An older
    server refuses it, or, with `experimental_api`, tells some steps again.

    Attributes:
        thread_id: The thread.
        turn_id: The turn.
        cursor: How many of the turn's events had been taken from the connection.
        mode: Which call stopped waiting: ``chat_once`` or ``chat``.
        seen: Ids of the items that had been delivered as steps.

    Example:
        ``Path("turn.json").write_text(exc.continuation.to_json())``
    """

    thread_id: str
    turn_id: str
    cursor: int
    mode: Literal["chat_once", "chat"]
    seen: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return a JSON object that `from_json` reads, in this process or another."""
        import json  # a millisecond, only for whoever needs it

        return json.dumps(
            {
                "thread_id": self.thread_id,
                "turn_id": self.turn_id,
                "cursor": self.cursor,
                "mode": self.mode,
                "seen": list(self.seen),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> ChatContinuation:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is not that; the message names the field.
        """
        import json

        try:
            obj = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise ValueError(f"not a continuation: {exc}") from exc
        obj = as_object(obj)
        for name, kind in (("thread_id", str), ("turn_id", str), ("cursor", int), ("seen", list)):
            if not isinstance(obj.get(name), kind) or isinstance(obj[name], bool):
                raise ValueError(f"not a continuation: {name} is {obj.get(name)!r}, not a {kind.__name__}")
        mode, seen = obj.get("mode"), obj["seen"]
        if mode not in ("chat_once", "chat"):
            raise ValueError(f"not a continuation: mode is {mode!r}, neither 'chat_once' nor 'chat'")
        if not all(isinstance(one, str) for one in seen):
            raise ValueError("not a continuation: seen has entries that are not strings")
        return cls(obj["thread_id"], obj["turn_id"], obj["cursor"], mode, tuple(seen))


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What `cancel` found when the turn had ended.

    Attributes:
        thread_id: The thread; it is usable at once.
        turn_id: The turn.
        steps: Steps that had not been delivered before.
        raw_events: Notifications that had not been delivered before.
        status: The turn's status as the server gave it.
        was_completed: The turn had completed before the interrupt could stop it.
        was_interrupted: The turn was stopped.

    Example:
        ``if (await client.cancel(exc.continuation)).was_interrupted: ...``
    """

    thread_id: str
    turn_id: str
    steps: tuple[ConversationStep, ...]
    raw_events: tuple[Mapping[str, Any], ...] = field(repr=False)
    status: str
    was_completed: bool
    was_interrupted: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """An event of the server that belongs to no turn of this client.

    Attributes:
        method: Such as ``thread/name/updated``.
        params: Its parameters; empty if there were none.
        raw: The whole message.

    Example:
        ``async for event in client.notifications(): print(event.method, event.params)``
    """

    method: str
    params: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Statistics:
    """A snapshot of one client.

    Attributes:
        requests_in_flight: Requests that the server has not answered yet.
        requests_waiting: Requests waiting for their place among the 64 that may be in flight.
        open_turns: Turns that have not ended, or have unread events.
        unread_events: Events of those turns that nobody has read yet.
        late_events: Events that came after their turn had ended, and were not delivered.
        dropped_notifications: Events without a turn that nobody read in time.
        ignored_messages: Lines that were not JSON objects, answers to no call of ours, and the like.
        server_requests: Requests of the server that were answered.
        dropped_events: Events that were dropped because too many came while a turn was starting or its missed events were
            read. Its steps were read from the server's history instead.

    Example:
        ``assert client.statistics().open_turns == 0``
    """

    requests_in_flight: int
    requests_waiting: int
    open_turns: int
    unread_events: int
    late_events: int
    dropped_notifications: int
    ignored_messages: int
    server_requests: int
    dropped_events: int
