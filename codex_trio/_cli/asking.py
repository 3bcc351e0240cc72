"""`ask`: a question on the terminal, and its answer: a yes counts only when all of the question was on the screen."""

from __future__ import annotations

from .question import Question
from .screen import Screen
from .terminal import answering, ask_for_answer, screen, show_rows, wait_for_quiet

_YES, _NO, _VIEW, _QUIT = ("y", "yes"), ("", "n", "no"), ("v", "view"), ("q", "quit")
_GO_ON = "Return to go on, q to stop "
_ALLOW, _ALLOW_AFTER_VIEW = "Allow it? [y/N] ", "Allow it? [v to view all of it, N] "
_NOT_ALL_SEEN = "Not all of it was on the screen: v and Return show it page by page."
_NOT_TYPED = "That was pasted, or came with more. Type the answer, and Return."
_TOO_SMALL = "The window is too small to show it. Make it larger."
_OTHER_SIZE = "The window has another size now, so it is shown anew."


async def ask(question: Question) -> bool:
    """Return whether the person said yes.

    Cancellation: The question is withdrawn.
    """
    is_over = False
    with answering():
        try:
            await wait_for_quiet()
            is_allowed = await _ask(question)
            is_over = True
            return is_allowed
        finally:
            if not is_over:
                show_rows(["This is not asked any more."])


async def _ask(question: Question) -> bool:
    viewed_on: Screen | None = None  # where it was paged through
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
    """Show all of a question, a page at a time; return the screen that it was all shown on, or `None`."""
    now = screen()
    rows = question.rows(now)
    size = max(1, now.lines - len(now.rows(_GO_ON)) - 1)  # the prompt has a number more than that
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    for number, page in enumerate(pages, 1):
        answer = None
        while answer is None:
            show_rows(page)
            answer = await ask_for_answer(f"page {number} of {len(pages)}: {_GO_ON}")
        if screen() != now:
            return await _view(question)
        if answer in _QUIT:
            return None
    return now
