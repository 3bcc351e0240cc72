"""What Codex asks before it acts: answered by the person at the terminal, and declined where there is none."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from codex_trio import ApprovalRequest, CommandApprovalRequest, Decision, ElicitationRequest, PermissionsApprovalRequest

from .descriptions import (
    describe,
    describe_tool_call,
)
from .questions import (
    Layout,
    Question,
)
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
    def answering(self, view: View) -> Iterator[None]:
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
                    print_status(question)
                elif can_ask():
                    return await ask(question)
                else:
                    print_status("declined, because there is no terminal to ask at:")
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


_YES, _NO, _VIEW, _QUIT = ("y", "yes"), ("", "n", "no"), ("v", "view"), ("q", "quit")
_GO_ON = "Return to go on, q to stop "
_ALLOW, _ALLOW_AFTER_VIEW = "Allow it? [y/N] ", "Allow it? [v to view all of it, N] "
_NOT_ALL_SEEN = "You have not seen all of it. Type v and press Return to page through it."
_NOT_TYPED = "That looks pasted. Type the answer and press Return."
_TOO_SMALL = "The window is too small to show it. Make it larger."
_OTHER_SIZE = "The size of the window changed, so here it is again."


async def ask(question: Question) -> bool:
    """Return whether the person said yes.

    Raises:
        HungUpError: The terminal has hung up.

    Cancellation: The question is withdrawn.
    """
    is_over = False
    with reporting_hang_up(), marking_pastes():
        try:
            await wait_for_quiet()
            show_rows([""])  # the person may have typed into the current line
            is_allowed = await _ask(question)
            is_over = True
            return is_allowed
        finally:
            if not is_over:
                show_rows(["The question was withdrawn."])


async def _ask(question: Question) -> bool:
    viewed_on: Screen | None = None  # the size of the screen on which all pages were shown
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
        if screen() != now:  # the rows break at other places now, so begin again
            now, number = screen(), 0
            layout, size = _lay_out(question, now)
        elif answer in _QUIT:
            return None
        elif answer is not None:
            number += 1
    return now


def _lay_out(question: Question, on: Screen) -> tuple[Layout, int]:
    """Return the rows, and how many of them are a page."""
    # The line below a page is longer than `_GO_ON` by two numbers, for which a second row may be needed.
    return question.layout(on), max(1, on.lines - len(on.rows(_GO_ON)) - 1)
