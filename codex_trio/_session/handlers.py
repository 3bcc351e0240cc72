"""`Handlers`: call the user's handler for a server request, or use a default that grants nothing."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypedDict

import msgspec
import trio

from .._server_requests.approvals import ApprovalRequest, parse_approval
from .._server_requests.decisions import Decision
from .._server_requests.questions import ElicitationRequest, UserInputRequest
from .._tools import Tool, ToolCall, ToolRegistry
from .._wire import server_methods
from .approval_queue import ApprovalQueue

_logger = logging.getLogger("codex_trio")

Answers: TypeAlias = Mapping[str, str | Iterable[str]]

ApprovalHandler: TypeAlias = Callable[[ApprovalRequest], Awaitable[Decision] | Decision]
QuestionHandler: TypeAlias = Callable[[UserInputRequest], Awaitable[Answers] | Answers]
ElicitationHandler: TypeAlias = Callable[[ElicitationRequest], Awaitable[Decision] | Decision]
RequestHandler: TypeAlias = Callable[[Mapping[str, Any]], Any]  # an awaitable, or the result


class HandlerOptions(TypedDict, total=False):
    """The options of `open_codex_client` for server requests."""

    on_approval: ApprovalHandler | None
    on_user_input: QuestionHandler | None
    on_elicitation: ElicitationHandler | None
    on_request: Mapping[str, RequestHandler] | None
    tools: Iterable[Tool | Callable[..., Any]]
    observe: bool


class Answer(msgspec.Struct, frozen=True):
    """The result of a server request.

    Attributes:
        result: The ``result`` of the response on the wire.
        interrupts_turn: Whether to interrupt the turn after the response.
    """

    result: Any
    interrupts_turn: bool = False


class Handlers:
    """The handlers and tools of one client.

    Attributes:
        observe: Whether to leave all server requests unanswered.
        is_experimental: Whether the client uses the experimental API. Set by the client.
        tool_registry: The tools.
        approvals: The queue of approval requests for `client.approvals()`.
        redact: Replaces the secrets of the connection in log messages. Set by the client.
    """

    def __init__(
        self,
        *,
        on_approval: ApprovalHandler | None = None,
        on_user_input: QuestionHandler | None = None,
        on_elicitation: ElicitationHandler | None = None,
        on_request: Mapping[str, RequestHandler] | None = None,
        tools: Iterable[Tool | Callable[..., Any]] = (),
        observe: bool = False,
    ) -> None:
        handlers = {"on_approval": on_approval, "on_user_input": on_user_input, "on_elicitation": on_elicitation}
        for name, handler in handlers.items():
            if handler is not None and not callable(handler):
                raise TypeError(f"{name} must be an async function, not {handler!r}")
        if not isinstance(on_request, (Mapping, type(None))):
            raise TypeError(f"on_request must be async functions by method, not {on_request!r}")
        for method, function in (on_request or {}).items():
            if not isinstance(method, str) or not callable(function):
                raise TypeError(f"on_request must be async functions by method; {method!r} is {function!r}")
        self.observe = observe
        self.is_experimental = False
        self.redact: Callable[[str], str] = str
        self.tool_registry = ToolRegistry(tools)
        self.approvals = ApprovalQueue()
        self._on_approval = on_approval
        self._on_question = on_user_input
        self._on_elicitation = on_elicitation
        self._on_request = dict(on_request or {})
        configured = (
            on_approval,
            on_user_input,
            on_elicitation,
            self._on_request or None,
            self.tool_registry.default or None,
        )
        if observe and any(option is not None for option in configured):
            raise ValueError("observe=True answers nothing, so there is no use for handlers or tools")

    @property
    def has_approval_handler(self) -> bool:
        """Whether there is an `on_approval` handler."""
        return self._on_approval is not None

    @property
    def needs_experimental_api(self) -> bool:
        """Whether these handlers need fields or methods of the experimental API."""
        # Tools are experimental (codex 0.155 to 0.171). So is the field of command approvals that grants permissions.
        return bool(self.tool_registry.default) or self.has_approval_handler

    def find_tool_call(self, method: str, params: Mapping[str, Any]) -> ToolCall | None:
        """Return the tool call of an `item/tool/call` request, or `None`. Call this in the order of the requests."""
        is_call = method == server_methods.TOOL_CALL and method not in self._on_request
        return self.tool_registry.call(params) if is_call else None

    async def handle(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        changes: object = None,
        tool_name: str = "",
        tool_call: ToolCall | None = None,
    ) -> Answer:
        """Return the answer to a server request. Runs the handler, if there is one.

        Args:
            method: The method of the request.
            params: The params of the request.
            changes: ``changes`` of the item that the request is about, or `None` if they are unknown.
            tool_name: The tool of the call that an elicitation is about, or ``""`` if it is unknown.
            tool_call: The result of `find_tool_call`.

        Raises:
            RequestRejectedError: The response is an error.
            Exception: A handler raised this, or returned an invalid value.

        Cancellation: Cancels the handler.
        """
        if tool_call is not None:
            return Answer(await _call(tool_call.answer))  # no checkpoint before this: the call must leave its queue
        await trio.lowlevel.checkpoint()
        if (handler := self._on_request.get(method)) is not None:
            return Answer(await _call(handler, params))
        if method in server_methods.APPROVALS:
            request = parse_approval(method, params, changes=changes, is_experimental=self.is_experimental)
            return await self._approve(request)
        if method == server_methods.USER_INPUT and self._on_question is not None:
            asked = UserInputRequest.from_wire(params)
            answers = await _call(self._on_question, asked)
            return Answer(server_methods.dump_answers(answers, [question.id for question in asked.questions]))
        if method == server_methods.ELICITATION and self._on_elicitation is not None:
            question = ElicitationRequest.from_wire(params, tool_name=tool_name)
            return _checked(question, await _call(self._on_elicitation, question))
        _logger.info("the server asked %s and was refused: this client has no handler for it", self.redact(method))
        return Answer(default_response(method))

    async def _approve(self, request: ApprovalRequest) -> Answer:
        if self._on_approval is not None:
            return _checked(request, await _call(self._on_approval, request))
        decision = await self.approvals.ask(request) if self.approvals.streams else None
        if decision is None:
            _logger.info("an approval was declined, because nobody decided: %s", self.redact(repr(request)))
            decision = request.decline()
        return Answer(decision.result, decision.interrupts_turn)


def default_response(method: str) -> Any:
    """Return the result that grants nothing. Raises the same errors as `server_methods.default_response`."""
    return server_methods.default_response(method, unix_time=time.time())


@trio.lowlevel.disable_ki_protection
async def _call(function: Callable[..., Any], *args: Any) -> Any:
    # The tasks of this client are protected from KeyboardInterrupt. The user's handlers should still receive it.
    answer: object = function(*args)
    return await answer if inspect.isawaitable(answer) else answer  # a handler may also be a plain function


def _checked(request: ApprovalRequest | ElicitationRequest, decision: object) -> Answer:
    if not isinstance(decision, Decision):
        raise TypeError(f"a handler returns a decision of its request, such as request.decline(), not {decision!r}")
    if decision.request is not request:
        raise ValueError(f"a handler returned a decision ({decision.name}) of another request")
    return Answer(decision.result, decision.interrupts_turn)
