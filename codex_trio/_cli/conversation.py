"""`Conversation`: turns on one thread, and what Ctrl-C and silence do to them."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import trio

from codex_trio import (
    CodexClient,
    CodexError,
    CodexThread,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    ResumeOptions,
)
from codex_trio.text import clean_text

from .approvals import Approver
from .arguments import PROGRAM, Options
from .terminal import format_seconds, print_status
from .views import View, make_view


class CtrlC:
    """Leaves the program, unless somebody has taken Ctrl-C over.

    Args:
        nursery: Of the whole program; cancelled to leave it.

    Attributes:
        was_pressed: Since it was taken over.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self._action: Callable[[], object] | None = None
        self.was_pressed = False

    async def listen(self, presses: AsyncIterator[int]) -> None:
        """Act on each press of it."""
        async for _ in presses:
            # Taken over once: whoever presses it again does not want to wait.
            action, self._action, self.was_pressed = self._action, None, True
            if action is None:
                self.nursery.cancel_scope.cancel()
            else:
                action()

    @contextmanager
    def calls(self, action: Callable[[], object]) -> Iterator[None]:
        """Let the next press call `action`, for the length of the body."""
        self._action, self.was_pressed = action, False
        try:
            yield
        finally:
            self._action = None


_PLAIN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")  # matches the ids of codex
_STOPPING = 5.0  # seconds for a turn to end once it is interrupted

Outcome: TypeAlias = Literal["completed", "stopped", "silent"]


class Conversation:
    """What is said to Codex, and shown of its answers.

    Attributes:
        thread: `None` until the first turn.
    """

    def __init__(self, client: CodexClient, options: Options, ctrl_c: CtrlC, approver: Approver) -> None:
        self.client = client
        self._options = options
        self.ctrl_c = ctrl_c
        self._approver = approver
        self.thread: CodexThread | None = None
        self._is_resumable = False  # a thread is kept once it had a turn

    def tell_how_to_go_on(self) -> None:
        """Print what to type to go on later, if there is something to go on with."""
        if self.thread is not None and self._is_resumable:
            how = f"to go on: {PROGRAM} --resume {shlex.quote(self.thread.id)}{self._options.reaching}"
            if _PLAIN_ID.fullmatch(self.thread.id):
                print(clean_text(how), file=sys.stderr, flush=True)  # in one piece, so that it can be copied
            else:
                print_status(how)

    async def resume(self, thread_id: str) -> None:
        """Take up a thread that exists."""
        self.thread = await self.client.resume_thread(thread_id, **self._wishes())
        self._is_resumable = True

    def forget(self) -> None:
        """Let the next turn begin a new thread."""
        self.thread = None
        self._is_resumable = False

    def _wishes(self) -> ResumeOptions:
        """Return the thread's options, as far as they were given."""
        wishes: ResumeOptions = {}
        if self._options.model is not None:
            wishes["model"] = self._options.model
        if self._options.cwd is not None:
            wishes["cwd"] = self._options.cwd
        return wishes

    async def say(self, prompt: str) -> Outcome:
        """Run a turn, and show it.

        Raises:
            CodexError: It did not complete, for another reason than that it was stopped here.
        """
        view = make_view(as_json=self._options.json)
        turn, stopping = trio.CancelScope(), trio.CancelScope()

        def stop() -> None:
            self.ctrl_c.nursery.start_soon(self._stop, turn, stopping)

        with turn, self.ctrl_c.calls(stop), self._approver.answers(view):
            try:
                return await self._play(prompt, view)
            except CodexTurnInterruptedError:
                if not self.ctrl_c.was_pressed:
                    raise
            finally:
                stopping.cancel()
        return "stopped"

    async def _stop(self, turn: trio.CancelScope, stopping: trio.CancelScope) -> None:
        """Interrupt the turn, so that what comes until its end is shown; if that takes too long, do not wait for it."""
        with stopping:
            with trio.move_on_after(_STOPPING):
                try:
                    if self.thread is not None and await self.thread.interrupt():
                        await trio.sleep_forever()
                except CodexError as exc:
                    print_status(f"the turn could not be interrupted: {exc}")
            turn.cancel()

    async def _play(self, prompt: str, view: View) -> Outcome:
        """Run a turn to its end, be it silent in between or not."""
        if self.thread is None:
            self.thread = await self.client.start_thread(**self._wishes())
        patience = self._options.inactivity_timeout
        events = self.thread.stream(prompt, inactivity_timeout=patience)
        while True:
            try:
                await view.show(events)
                return "completed"
            except CodexTurnInactiveError as exc:
                if not self._options.keep_waiting:
                    await self._give_up(exc, view)
                    return "silent"
                print_status(
                    f"nothing came for {format_seconds(exc.idle_seconds)}; still waiting, and Ctrl-C stops the turn"
                )
                events = self.thread.stream(continuation=exc.continuation, inactivity_timeout=patience)
            finally:
                self._is_resumable = self._is_resumable or events.turn_id is not None

    async def _give_up(self, exc: CodexTurnInactiveError, view: View) -> None:
        """Stop a turn that went quiet, and show what is left of it."""
        silence = f"nothing came for {format_seconds(exc.idle_seconds)}"
        try:
            cancelled = await self.client.cancel(exc.continuation, timeout=_STOPPING)
        except CodexError as error:
            print_status(f"{silence}, and the turn could not be stopped: {error}")
            return
        for step in cancelled.steps:
            view.show_step(step)
        print_status(f"{silence}, so the turn was stopped; --keep-waiting waits on")
