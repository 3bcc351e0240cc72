"""What Codex asks before it acts: answered by the person at the terminal, and declined where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from codex_trio import ApprovalRequest, CommandApprovalRequest, Decision, ElicitationRequest, PermissionsApprovalRequest

from .arguments import is_terminal
from .asking import ask
from .describing import describe, describe_tool_call
from .question import Question
from .screen import Screen
from .terminal import can_ask, show_rows
from .text import tell
from .view import View

_MOST_COMMANDS = 256  # to remember, for requests to type into the terminal of a running command
_ENDLESS = 1_000_000  # columns, for a file, where lines need not be broken


class Approver:
    """Makes the decisions, one at a time, in the turns of ours.

    What is asked while none of them runs is about another client's turn, and for that client.
    """

    def __init__(self) -> None:
        self._view: View | None = None
        self._talking = trio.Event()
        self._lock = trio.Lock()
        self._commands: dict[tuple[str, str], str] = {}  # scripts by thread and item id, oldest first

    @contextmanager
    def answers(self, view: View) -> Iterator[None]:
        """Answer requests while `view` shows a turn, for the length of the body."""
        self._view = view
        self._talking.set()
        try:
            yield
        finally:
            self._view = None
            self._talking = trio.Event()

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Answer an approval request. If it does not fully show what a yes would allow, decline it without asking."""
        try:
            accepted = _accept(request)
            question = describe(request, self._commands.get((request.thread_id, request.item_id)))
        except (ValueError, RecursionError) as exc:
            await self._ask(_unasked(exc))
            return request.decline()
        if isinstance(request, CommandApprovalRequest):
            self._remember(request)
        return accepted if await self._ask(question) else request.decline()

    async def answer(self, asked: ElicitationRequest) -> Decision:
        """Answer whether a tool may be called; decline what wants more than a yes or no."""
        if not asked.tool_name:
            await self._ask(f"declined: {asked.server_name} wants input that cannot be typed here: {asked.message}")
            return asked.decline()
        try:
            accepted = asked.accept()
            question = describe_tool_call(asked)
        except (ValueError, RecursionError) as exc:
            await self._ask(_unasked(exc))
            return asked.decline()
        return accepted if await self._ask(question) else asked.decline()

    def _remember(self, request: CommandApprovalRequest) -> None:
        if request.stdin is not None or request.approval_id or not request.command:
            return  # the request is about a command that already runs, or about a part of a command
        self._commands[request.thread_id, request.item_id] = request.script
        if len(self._commands) > _MOST_COMMANDS:
            del self._commands[next(iter(self._commands))]

    async def _ask(self, question: Question | str) -> bool:
        """Ask the person, or print why the request is declined. Wait until a turn is shown and earlier questions ended."""
        async with self._lock:
            while self._view is None:
                await self._talking.wait()
            with self._view.paused():
                if isinstance(question, str):
                    tell(question)
                elif can_ask():
                    return await ask(question)
                else:
                    tell("declined, because there is no terminal to ask at:")
                    show_rows(question.rows(_screen()))
                return False


def _accept(request: ApprovalRequest) -> Decision:
    """Return the decision for a yes. It grants extra permissions, too, because the question shows them.

    Raises:
        ValueError: The request does not fully show what would be granted, or the server does not offer to accept it.
    """
    return (
        request.accept() if isinstance(request, PermissionsApprovalRequest) else request.accept(with_permissions=True)
    )


def _unasked(exc: ValueError | RecursionError) -> str:
    if isinstance(exc, RecursionError):
        return "declined without asking you: it is nested too deeply to be shown"
    reason, _, _ = str(exc).partition(";")  # the rest is advice for programs
    return f"declined without asking you: {reason}"


def _screen() -> Screen:
    measured = Screen.of(sys.stderr)
    return measured if is_terminal(sys.stderr) else Screen(_ENDLESS, measured.lines, measured.encoding)
