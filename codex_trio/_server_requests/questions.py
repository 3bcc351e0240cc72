"""Requests for user input: questions from the model and from MCP servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._json import as_object, as_objects, as_text, shown
from ..models import WireValue
from .decisions import Decision, check_grant

_TOOL_CALL = "mcp_tool_call"
_UNKNOWN = "unknown"


class QuestionOption(WireValue, frozen=True):
    """A suggested answer to a question.

    Attributes:
        label: The answer.
        description: Explanation of the answer.

    Example:
        ``answers = {question.id: question.options[0].label}``
    """

    label: str
    description: str


class Question(WireValue, frozen=True):
    """A question.

    Attributes:
        id: Id of the question: the key of its answer.
        header: A short title.
        question: The question.
        options: The suggested answers; empty for free text.
        is_other: ``isOther``: answers that are not in `options` are allowed.
        is_secret: ``isSecret``: the answer must not be shown while it is typed.

    Example:
        ``print(question.header, [option.label for option in question.options])``
    """

    id: str
    header: str
    question: str
    options: tuple[QuestionOption, ...]
    is_other: bool
    is_secret: bool

    @classmethod
    def from_wire(cls, obj: Mapping[str, Any]) -> Question:
        """Read an entry of ``questions``. Missing values become empty."""
        options = (
            QuestionOption(as_text(option.get("label")), as_text(option.get("description")))
            for option in as_objects(obj.get("options"))
        )
        return cls(
            id=as_text(obj.get("id")),
            header=as_text(obj.get("header")),
            question=as_text(obj.get("question")),
            options=tuple(options),
            is_other=obj.get("isOther") is True,
            is_secret=obj.get("isSecret") is True,
        )


class UserInputRequest(WireValue, frozen=True, eq=False):
    """Questions from the model. The answer maps question ids to a text or several; questions may be left unanswered.

    Attributes:
        thread_id: Id of the thread.
        turn_id: Id of the turn.
        item_id: Id of the tool call. No item has this id.
        questions: The questions.
        raw: The request's params.

    Example:
        ``async def on_user_input(request): return {q.id: q.options[0].label for q in request.questions}``
    """

    thread_id: str
    turn_id: str
    item_id: str
    questions: tuple[Question, ...]
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, params: Mapping[str, Any]) -> UserInputRequest:
        """Read the params. Missing values become empty."""
        return cls(
            thread_id=as_text(params.get("threadId")),
            turn_id=as_text(params.get("turnId")),
            item_id=as_text(params.get("itemId")),
            questions=tuple(map(Question.from_wire, as_objects(params.get("questions")))),
            raw=params,
        )


class ElicitationRequest(WireValue, frozen=True, eq=False):
    """A question from an MCP server, or a question from Codex whether a tool of an MCP server may be called.

    Attributes:
        thread_id: Id of the thread that uses the MCP server.
        turn_id: Id of the turn; empty if Codex does not know it.
        server_name: Name of the MCP server in the config.
        mode: ``form``, ``url``, or a mode that Codex defines.
        message: The question.
        requested_schema: JSON Schema of the `content` that `accept` must be given; empty if none is requested.
        url: For mode ``url``, the page to open; else empty.
        tool_name: If the question is whether a tool may be called, the name of the tool; else empty. ``accept()`` without
            arguments then works only if the tool and `tool_arguments` are known. Codex before 0.169 does not send the
            name; it is then taken from the item of the call, and is ``unknown`` if that item was not received.
        tool_arguments: ``_meta.tool_params``: the arguments of the tool call. `None` if the request is not about a tool
            call, or if the arguments are unknown.
        raw: The request's params.

    Example:
        ```python
        async def on_elicitation(request: ElicitationRequest) -> Decision:
            is_known = (request.server_name, request.tool_name) == ("tickets", "look_up")
            return request.accept() if is_known and request.tool_arguments is not None else request.decline()
        ```
    """

    thread_id: str
    turn_id: str
    server_name: str
    mode: str
    message: str
    requested_schema: Mapping[str, Any]
    url: str
    tool_name: str
    tool_arguments: Mapping[str, Any] | None
    raw: Mapping[str, Any]

    @classmethod
    def from_wire(cls, params: Mapping[str, Any], *, tool_name: str = "") -> ElicitationRequest:
        """Read the params. Missing values become empty.

        Args:
            params: Of the request.
            tool_name: Name of the tool, used if the request does not contain it.
        """
        meta = as_object(params.get("_meta"))
        arguments = meta.get("tool_params")
        is_tool_call = meta.get("codex_approval_kind") == _TOOL_CALL
        return cls(
            thread_id=as_text(params.get("threadId")),
            turn_id=as_text(params.get("turnId")),
            server_name=as_text(params.get("serverName")),
            mode=as_text(params.get("mode")),
            message=as_text(params.get("message")) or as_text(params.get("description")),
            requested_schema=as_object(params.get("requestedSchema")),
            url=as_text(params.get("url")),
            tool_name=(as_text(meta.get("tool_name")) or tool_name or _UNKNOWN) if is_tool_call else "",
            tool_arguments=arguments if is_tool_call and isinstance(arguments, dict) else None,
            raw=params,
        )

    def accept(
        self, content: Mapping[str, Any] | None = None, *, meta: Mapping[str, Any] | None = None, unseen: bool = False
    ) -> Decision:
        """Answer the question, or allow the tool call.

        Args:
            content: The answer, which must match `requested_schema`.
            meta: ``_meta`` of the response.
            unseen: Allow the tool call even if its name or arguments are unknown, or accept an approval of another kind
                (``_meta.codex_approval_kind`` in `raw`).

        Raises:
            ValueError: The tool, its arguments or the kind of approval is unknown, and `unseen` was not given.
        """
        check_grant(self._unknown(), {}, with_permissions=False, unseen=unseen)
        result: dict[str, Any] = {"action": "accept", "content": {} if content is None else dict(content)}
        if meta is not None:
            result["_meta"] = dict(meta)
        return Decision("accept", self, result)

    def decline(self) -> Decision:
        """Do not answer the question, or do not allow the tool call. The turn continues."""
        return Decision("decline", self, {"action": "decline", "content": None})

    def cancel(self) -> Decision:
        """Do not answer, because the user has dismissed the question."""
        return Decision("cancel", self, {"action": "cancel", "content": None})

    def _unknown(self) -> str:
        kind = as_object(self.raw.get("_meta")).get("codex_approval_kind")
        if kind is None:
            return ""  # a question, not an approval
        if kind != _TOOL_CALL:
            return f"the kind of approval is unknown to codex_trio, {shown(kind)}"
        if self.tool_name == _UNKNOWN:
            return "the server did not name the tool that would be called"
        return "the server did not send the arguments of the tool call" if self.tool_arguments is None else ""
