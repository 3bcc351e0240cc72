"""`ask`: put a question to the person at the terminal. A yes counts only once all of it has been on the screen."""

from __future__ import annotations

import math

from .question import Layout, Question
from .screen import Screen
from .terminal import answering, ask_for_answer, reporting_hang_up, screen, show_rows, wait_for_quiet

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
    with reporting_hang_up(), answering():
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
