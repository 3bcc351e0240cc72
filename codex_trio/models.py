"""Values that the client returns: results of turns, threads, models and accounts. All are frozen; `from_wire` reads JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal

import msgspec

from ._item_text import item_text
from ._item_text import unwrap_shell as unwrap_shell  # rendering and approvals import it from here
from ._json import as_int, as_object, as_objects, as_text, as_texts, shown

if TYPE_CHECKING:  # with a default, so that a bare `ChatResult` means `ChatResult[Any]`; Python has this from 3.13 on
    from typing_extensions import TypeVar

    OutputT = TypeVar("OutputT", default=Any)
else:
    from typing import TypeVar

    OutputT = TypeVar("OutputT")

__all__ = [
    "AccountInfo",
    "CancelResult",
    "ChatContinuation",
    "ChatResult",
    "CompletionSource",
    "ConversationStep",
    "InitializeResult",
    "ModelInfo",
    "Notification",
    "OpenItem",
    "Statistics",
    "ThreadInfo",
    "TurnInfo",
]

CompletionSource = Literal["turn_completed", "thread_read_fallback", "no_message"]
"""How the end of a turn became known.

`turn_completed`: the server announced the end of the turn. `thread_read_fallback`: it did not, and the turn's end was
read from its history. `no_message`: the turn completed without a message, so `final_text` is empty.
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


class WireValue(msgspec.Struct, frozen=True):
    """Base class of the public values. Its `repr` leaves out fields that may be long."""

    def __repr__(self) -> str:
        names = [name for name in self.__struct_fields__ if name not in _REPR_EXCLUDED and not name.startswith("_")]
        return f"{type(self).__name__}({', '.join(f'{name}={shown(getattr(self, name))}' for name in names)})"


_REPR_EXCLUDED = frozenset({"raw", "raw_events", "items", "diff", "request", "data"})


class InitializeResult(WireValue, frozen=True):
    """The server's answer to `initialize`.

    Attributes:
        protocol_version: ``protocolVersion``, if the server sends it (codex 0.100 to 0.169 do not).
        server_info: ``serverInfo``, if the server sends it; otherwise name and version from `user_agent`.
        capabilities: ``capabilities``, if the server sends them.
        user_agent: ``userAgent``, ``<client name>/<server version> (...)``.
        codex_home: ``codexHome``, the server's state directory.
        platform_family: ``platformFamily``, such as ``unix``.
        platform_os: ``platformOs``, such as ``linux``.
        raw: The whole result as the server sent it.

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
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> InitializeResult:
        """Read the result of `initialize`. A field that is missing or has another type becomes empty."""
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


class ConversationStep(WireValue, frozen=True):
    """A finished block of a turn.

    Codex may send a question or a remark and keep working without a reply (codex 0.155 on). Such a message has
    ``data["delivery"] == "async"`` and is not the turn's answer. The `step_type` of a question is ``ask``, and
    ``data["questions"]`` has the questions; reply with `CodexThread.steer`, or with the next message.

    Attributes:
        step_type: ``thinking``, ``exec``, ``codex`` (a message), ``ask`` (an asynchronous question), ``tool`` or
            ``file``. For any other item, the same as `item_type`.
        item_type: ``type`` of the item, such as ``commandExecution``.
        text: Text for people: the thought, the message, the command line, the tool's name, the changed files; for other
            items a few words, such as ``search the web: squeaking doors``. Empty if there is no text, as in a thought that
            the model does not send, and for item types newer than codex 0.171.
        item_id: Id of the item, unique in its turn. Empty if the server sent none.
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        data: The whole item as the server sent it, with ``aggregatedOutput`` and ``exitCode`` for a command, for example.

    Example:
        ``if step.step_type == "exec": print(step.text, step.data["exitCode"])``
    """

    step_type: str
    item_type: str
    text: str
    item_id: str
    thread_id: str
    turn_id: str
    data: Mapping[str, Any]

    @property
    def is_hidden(self) -> bool:
        """Whether moderation asks clients not to show this message (the item's ``moderation``, codex 0.169 on).

        `text` and `data` still contain what Codex wrote. Show `display_text` to people.
        """
        moderation = as_object(self.data.get("moderation"))
        if moderation.get("moderated") is not True:
            return False
        # `mode` since codex 0.171 (show, hide or block), `action` in 0.169. A moderated message without an instruction,
        # or with an unknown instruction, is hidden: text that is hidden by mistake is still in `text`, but text
        # that is shown by mistake cannot be taken back.
        display = as_object(moderation.get("display"))
        return display.get("mode", display.get("action")) != "show"

    @property
    def display_text(self) -> str:
        """The text to show to people: `text`, or ``[message withheld by moderation]`` for a hidden message."""
        return _WITHHELD if self.is_hidden else self.text

    @classmethod
    def from_wire(cls, item: Mapping[str, Any], *, thread_id: str, turn_id: str) -> ConversationStep:
        """Read a thread item. The `step_type` of an unknown item is the item's own type."""
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


class OpenItem(WireValue, frozen=True):
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


class ChatResult(WireValue, Generic[OutputT], frozen=True):
    """A finished turn.

    Attributes:
        thread_id: Id of the thread, for the next message.
        turn_id: Id of the turn.
        final_text: Codex's answer; empty if there is none. It is the last message of phase ``final_answer``, else the
            last message without a known phase, else the last ``partial_answer`` (codex 0.163 on). If a completed turn
            has none of these, it is the last ``commentary``. If a completed turn has no other message at all, it is the
            last asynchronous message, which is a question or a remark that Codex sent while it worked.
        raw_events: The turn's notifications as the server sent them, in order, without deltas.
        assistant_item_id: Id of the message that `final_text` is from.
        completion_source: How the end of the turn became known, see `CompletionSource`.
        usage: The last ``tokenUsage`` that the server sent in this turn: ``total`` for the thread, ``last`` for the last
            call of the model.
        steps: The turn's steps, in the order of their completion.
        output: The answer as an `output_type`, or as JSON if `output_schema` was given. `None` if neither was given.
        status: The turn's status as the server sent it: ``completed``, or a status that this version does not know. In an
            error's `result`, also ``failed`` or ``interrupted``.
        is_hidden: Moderation asks clients not to show `final_text`; see `ConversationStep.is_hidden`.

    Example:
        ``result = await client.chat_once("Hello"); print(result.final_text, result.usage)``
    """

    thread_id: str
    turn_id: str
    final_text: str
    raw_events: tuple[Mapping[str, Any], ...]
    assistant_item_id: str | None
    completion_source: CompletionSource
    usage: Mapping[str, Any] | None
    steps: tuple[ConversationStep, ...]
    output: OutputT = None  # type: ignore[assignment]  # no output was requested
    status: str = "completed"
    is_hidden: bool = False

    @property
    def display_text(self) -> str:
        """The text to show to people: `final_text`, or ``[message withheld by moderation]`` if it is hidden."""
        return _WITHHELD if self.is_hidden else self.final_text


class ChatContinuation(WireValue, frozen=True):
    """The point at which a caller stopped waiting for a turn that still runs.

    Another client can continue with it if the server is codex 0.155 or newer, whose history has the item ids of the live
    events. An older server refuses it or, with `experimental_api`, sends some steps twice.

    Attributes:
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        cursor: Number of the turn's events that the client had received.
        mode: The call that stopped waiting: ``chat_once`` or ``chat``.
        seen: Ids of the items that were already delivered as steps.

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
        import json  # takes a millisecond, so only if needed

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
        """Read the output of `to_json`. Unknown fields are ignored.

        Raises:
            ValueError: The text is not a continuation; the message names the wrong field.
        """
        import json

        try:
            obj = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise ValueError(f"not a continuation: {exc}") from exc
        obj = as_object(obj)
        for name, expected in (("thread_id", str), ("turn_id", str), ("cursor", int), ("seen", list)):
            if not isinstance(obj.get(name), expected) or isinstance(obj[name], bool):
                raise ValueError(f"not a continuation: {name} is {obj.get(name)!r}, not a {expected.__name__}")
        mode, seen = obj.get("mode"), obj["seen"]
        if mode not in ("chat_once", "chat"):
            raise ValueError(f"not a continuation: mode is {mode!r}, neither 'chat_once' nor 'chat'")
        if not all(isinstance(item_id, str) for item_id in seen):
            raise ValueError("not a continuation: seen has entries that are not strings")
        return cls(obj["thread_id"], obj["turn_id"], obj["cursor"], mode, tuple(seen))


class CancelResult(WireValue, frozen=True):
    """A turn that `cancel` ended.

    Attributes:
        thread_id: Id of the thread, which is ready for the next turn.
        turn_id: Id of the turn.
        steps: Steps that had not been delivered before.
        raw_events: Notifications that had not been delivered before.
        status: The turn's status as the server sent it.
        was_completed: The turn completed before the interrupt took effect.
        was_interrupted: The turn was interrupted.

    Example:
        ``if (await client.cancel(exc.continuation)).was_interrupted: ...``
    """

    thread_id: str
    turn_id: str
    steps: tuple[ConversationStep, ...]
    raw_events: tuple[Mapping[str, Any], ...]
    status: str
    was_completed: bool
    was_interrupted: bool


class Notification(WireValue, frozen=True):
    """A notification of the server that does not belong to a turn of this client.

    Attributes:
        method: The method, such as ``thread/name/updated``.
        params: The parameters; empty if the server sent none.
        raw: The whole message.

    Example:
        ``async for event in client.notifications(): print(event.method, event.params)``
    """

    method: str
    params: Mapping[str, Any]
    raw: Mapping[str, Any]


class Statistics(WireValue, frozen=True):
    """A snapshot of one client.

    Attributes:
        requests_in_flight: Requests that the server has not answered yet.
        requests_waiting: Requests that wait because 64 requests are already in flight.
        open_turns: Turns that have not ended, or have unread events.
        unread_events: Events of these turns that the program has not read yet.
        late_events: Events that came after the end of their turn and were not delivered.
        dropped_notifications: Events without a turn that were dropped because the program did not read them in time.
        ignored_messages: Lines that were not JSON objects, responses without a request, and the like.
        server_requests: Requests of the server that were answered.
        dropped_events: Events that were dropped because too many came while a turn was starting, or while its missed
            events were read. The steps were read from the server's history instead.

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


class ThreadInfo(WireValue, frozen=True):
    """A thread as the server describes it.

    Attributes:
        id: Id for `client.resume_thread` and `chat`.
        name: The name that `rename` set, or `None`.
        preview: The start of the first message.
        model: The model, if the server sends it.
        cwd: The working directory, on the server's machine.
        status: ``idle``, ``active``, ``notLoaded`` or ``systemError``.
        created_at: Unix time in seconds, ``createdAt``.
        updated_at: Unix time in seconds, ``updatedAt``.
        forked_from_id: Id of the thread that this one was forked from.
        is_ephemeral: The thread has no history on disk.
        raw: The whole ``Thread``.

    Example:
        ``async for thread in client.threads(): print(thread.id, thread.name or thread.preview)``
    """

    id: str
    name: str | None
    preview: str
    model: str | None
    cwd: str
    status: str
    created_at: int | None
    updated_at: int | None
    forked_from_id: str | None
    is_ephemeral: bool
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> ThreadInfo:
        """Read a ``Thread``. A field that is missing or has another type becomes empty."""
        raw = as_object(obj)
        return cls(
            id=as_text(raw.get("id")),
            name=as_text(raw.get("name")) or None,
            preview=as_text(raw.get("preview")),
            model=as_text(raw.get("model")) or None,
            cwd=as_text(raw.get("cwd")),
            status=as_text(as_object(raw.get("status")).get("type")),
            created_at=as_int(raw.get("createdAt")),
            updated_at=as_int(raw.get("updatedAt")),
            forked_from_id=as_text(raw.get("forkedFromId")) or None,
            is_ephemeral=raw.get("ephemeral") is True,
            raw=raw,
        )


class TurnInfo(WireValue, frozen=True):
    """A turn in a thread's history.

    Attributes:
        id: Id for `thread.items` and `thread.revert`.
        status: ``completed``, ``failed``, ``interrupted`` or ``inProgress``.
        items: The items as the server sent them, as many as `items_view` selects.
        error: ``error`` of a failed turn.
        started_at: Unix time in seconds.
        completed_at: Unix time in seconds.
        raw: The whole ``Turn``.

    Example:
        ``async for turn in thread.turns(): print(turn.id, turn.status)``
    """

    id: str
    status: str
    items: tuple[Mapping[str, Any], ...]
    error: Mapping[str, Any] | None
    started_at: int | None
    completed_at: int | None
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> TurnInfo:
        """Read a ``Turn``. A field that is missing or has another type becomes empty."""
        raw = as_object(obj)
        return cls(
            id=as_text(raw.get("id")),
            status=as_text(raw.get("status")),
            items=tuple(as_objects(raw.get("items"))),
            error=as_object(raw.get("error")) or None,
            started_at=as_int(raw.get("startedAt")),
            completed_at=as_int(raw.get("completedAt")),
            raw=raw,
        )


class ModelInfo(WireValue, frozen=True):
    """A model that the server offers.

    Attributes:
        id: Id for the option `model`.
        display_name: Name to show to people.
        description: Description to show to people.
        is_default: The server uses this model if none is given.
        is_hidden: The server lists this model only on request.
        efforts: Values for the option `effort`.
        default_effort: The effort that is used if none is given.
        raw: The whole ``Model``.

    Example:
        ``names = [model.id async for model in client.models()]``
    """

    id: str
    display_name: str
    description: str
    is_default: bool
    is_hidden: bool
    efforts: tuple[str, ...]
    default_effort: str | None
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> ModelInfo:
        """Read a ``Model``. A field that is missing or has another type becomes empty."""
        raw = as_object(obj)
        efforts = [option.get("reasoningEffort") for option in as_objects(raw.get("supportedReasoningEfforts"))]
        return cls(
            id=as_text(raw.get("id")),
            display_name=as_text(raw.get("displayName")),
            description=as_text(raw.get("description")),
            is_default=raw.get("isDefault") is True,
            is_hidden=raw.get("hidden") is True,
            efforts=tuple(as_texts(efforts)),
            default_effort=as_text(raw.get("defaultReasoningEffort")) or None,
            raw=raw,
        )


class AccountInfo(WireValue, frozen=True):
    """The account that the server is logged in to.

    Attributes:
        type: ``apiKey``, ``chatgpt`` or another type; `None` if the server is not logged in.
        email: Email address of a ChatGPT account.
        plan_type: Plan of a ChatGPT account.
        requires_openai_auth: The configured model provider needs a login.
        raw: The whole result of ``account/read``.

    Example:
        ``if (await client.account()).type is None: ...``
    """

    type: str | None
    email: str | None
    plan_type: str | None
    requires_openai_auth: bool
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, obj: object) -> AccountInfo:
        """Read the result of ``account/read``. A field that is missing or has another type becomes empty."""
        raw = as_object(obj)
        account = as_object(raw.get("account"))
        return cls(
            type=as_text(account.get("type")) or None,
            email=as_text(account.get("email")) or None,
            plan_type=as_text(account.get("planType")) or None,
            requires_openai_auth=raw.get("requiresOpenaiAuth") is True,
            raw=raw,
        )
