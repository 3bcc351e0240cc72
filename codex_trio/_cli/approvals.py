"""Approval requests: the user at the terminal answers them. Without a terminal they are declined."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from codex_trio import ApprovalRequest, CommandApprovalRequest, Decision, ElicitationRequest, PermissionsApprovalRequest

from .descriptions import describe, describe_tool_call
from .questions import Layout, Question
from .terminal import (
    Screen,
    ask_for_answer,
    can_ask,
    is_terminal,
    marking_pastes,
    print_status,
    reporting_hang_up,
    screen,
    show_rows,
    wait_for_quiet,
)
from .views import View

_MAX_COMMANDS = 256  # remembered, for requests to type into the terminal of a running command
_UNLIMITED = 1_000_000  # columns, for a file, where lines are not folded
_YES, _NO, _VIEW, _QUIT = ("y", "yes"), ("", "n", "no"), ("v", "view"), ("q", "quit")
_GO_ON = "Return to go on, q to stop "
_ALLOW, _ALLOW_AFTER_VIEW = "Allow it? [y/N] ", "Allow it? [v to view all of it, N] "
_NOT_ALL_SEEN = "You have not seen all of it. Type v and press Return to page through it."
_NOT_TYPED = "That looks pasted. Type the answer and press Return."
_TOO_SMALL = "The window is too small to show it. Make it larger."
_OTHER_SIZE = "The size of the window changed, so here it is again."


class Approver:
    """Asks the user about requests, one at a time, while a turn of this client is shown.

    A request that comes at another time is about the turn of another client, which has to answer it.
    """

    def __init__(self) -> None:
        self._view: View | None = None
        self._turn_shown = trio.Event()
        self._lock = trio.Lock()
        self._commands: dict[tuple[str, str], str] = {}  # scripts by thread and item id, oldest first

    @contextmanager
    def answering(self, view: View) -> Iterator[None]:
        """Answer requests during the body, while `view` shows a turn."""
        self._view = view
        self._turn_shown.set()
        try:
            yield
        finally:
            self._view = None
            self._turn_shown = trio.Event()

    async def decide(self, request: ApprovalRequest) -> Decision:
        """Answer an approval request. If it does not fully show what a yes would allow, decline it without asking."""
        try:
            accepted = _accept(request)
            question = describe(request, self._commands.get((request.thread_id, request.item_id)))
        except (ValueError, RecursionError) as exc:
            await self._ask(_decline_note(exc))
            return request.decline()
        if isinstance(request, CommandApprovalRequest):
            self._remember(request)
        return accepted if await self._ask(question) else request.decline()

    async def answer(self, request: ElicitationRequest) -> Decision:
        """Answer whether a tool may be called. Decline a request that needs more than a yes or no."""
        if not request.tool_name:
            await self._ask(f"declined: {request.server_name} wants input that cannot be typed here: {request.message}")
            return request.decline()
        try:
            accepted = request.accept()
            question = describe_tool_call(request)
        except (ValueError, RecursionError) as exc:
            await self._ask(_decline_note(exc))
            return request.decline()
        return accepted if await self._ask(question) else request.decline()

    def _remember(self, request: CommandApprovalRequest) -> None:
        if request.stdin is not None or request.approval_id or not request.command:
            return  # the request is about a command that already runs, or about a part of a command
        self._commands[request.thread_id, request.item_id] = request.script
        if len(self._commands) > _MAX_COMMANDS:
            del self._commands[next(iter(self._commands))]

    async def _ask(self, question: Question | str) -> bool:
        """Ask the user, or print why the request is declined. First wait until a turn is shown and earlier questions end."""
        async with self._lock:
            while self._view is None:
                await self._turn_shown.wait()
            with self._view.paused():
                if isinstance(question, str):
                    print_status(question)
                elif can_ask():
                    return await _confirm(question)
                else:
                    print_status("declined, because no terminal is available to ask you:")
                    show_rows(question.rows(_output_screen()))
                return False


def _accept(request: ApprovalRequest) -> Decision:
    """Return the decision for a yes. It also grants extra permissions, because the question shows them.

    Raises:
        ValueError: The request does not fully show what would be granted, or the server does not offer to accept it.
    """
    return (
        request.accept() if isinstance(request, PermissionsApprovalRequest) else request.accept(with_permissions=True)
    )


def _decline_note(exc: ValueError | RecursionError) -> str:
    if isinstance(exc, RecursionError):
        return "declined without asking you: it is nested too deeply to be shown"
    reason, _, _ = str(exc).partition(";")  # what follows is advice for programs
    return f"declined without asking you: {reason}"


def _output_screen() -> Screen:
    measured = Screen.of(sys.stderr)
    return measured if is_terminal(sys.stderr) else Screen(_UNLIMITED, measured.lines, measured.encoding)


async def _confirm(question: Question) -> bool:
    """Ask a question and return whether the user allowed it. A yes counts only if the whole question was shown.

    Raises:
        HungUpError: The terminal has hung up.

    Cancellation: The question is withdrawn.
    """
    is_answered = False
    with reporting_hang_up(), marking_pastes():
        try:
            await wait_for_quiet()
            show_rows([""])  # the user may have typed into the current line
            is_allowed = await _ask_until_answered(question)
            is_answered = True
            return is_allowed
        finally:
            if not is_answered:
                show_rows(["The question was withdrawn."])


async def _ask_until_answered(question: Question) -> bool:
    viewed_on: Screen | None = None  # the screen on which all pages were shown
    note = ""
    while True:
        now = screen()
        notes = now.rows(note) if note else []
        rows, is_complete = question.fit(now, now.lines - len(notes) - len(now.rows(_ALLOW_AFTER_VIEW)))
        show_rows([*rows, *notes])
        is_seen = is_complete or viewed_on == now
        answer = await ask_for_answer(_ALLOW if is_seen else _ALLOW_AFTER_VIEW)
        note = ""
        if answer is None:
            note = _NOT_TYPED
        elif answer in _NO:
            return False
        elif answer in _VIEW:
            viewed_on = await _view(question)
        elif answer in _YES and screen() != now:
            note = _OTHER_SIZE
        elif answer in _YES and now.is_too_small:
            note = _TOO_SMALL
        elif answer in _YES and is_seen:
            return True
        elif answer in _YES:
            note = _NOT_ALL_SEEN


async def _view(question: Question) -> Screen | None:
    """Show all of a question, a page at a time. Return the screen if all pages were shown on it, or `None`."""
    now = screen()
    layout, size = _lay_out(question, now)
    number = 0
    while number * size < len(layout):
        show_rows(layout.between(number * size, number * size + size))
        answer = await ask_for_answer(f"page {number + 1} of {math.ceil(len(layout) / size)}: {_GO_ON}")
        if screen() != now:  # the rows are folded differently now, so start again
            now, number = screen(), 0
            layout, size = _lay_out(question, now)
        elif answer in _QUIT:
            return None
        elif answer is not None:
            number += 1
    return now


def _lay_out(question: Question, on: Screen) -> tuple[Layout, int]:
    """Return the rows, and the number of rows on a page."""
    # The line below a page is longer than `_GO_ON` by two numbers, for which a second row may be needed.
    return question.layout(on), max(1, on.lines - len(on.rows(_GO_ON)) - 1)
