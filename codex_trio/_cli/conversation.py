"""`Conversation` runs turns on one thread. Ctrl-C and inactivity stop a turn."""

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


class InterruptHandler:
    """Handles Ctrl-C. By default it leaves the program; `on_next` registers another action.

    Args:
        nursery: The nursery of the whole program; cancelled to leave the program.

    Attributes:
        nursery: The same nursery.
        was_pressed: Ctrl-C was pressed since the last `on_next`.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self._action: Callable[[], object] | None = None
        self.was_pressed = False

    async def listen(self, signals: AsyncIterator[int]) -> None:
        """Handle each SIGINT."""
        async for _ in signals:
            # An action runs once: a second Ctrl-C means that the user does not want to wait for it.
            action, self._action, self.was_pressed = self._action, None, True
            if action is None:
                self.nursery.cancel_scope.cancel()
            else:
                action()

    @contextmanager
    def on_next(self, action: Callable[[], object]) -> Iterator[None]:
        """Call `action` when Ctrl-C is pressed next, if that is during the body."""
        self._action, self.was_pressed = action, False
        try:
            yield
        finally:
            self._action = None


_PLAIN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")  # matches the ids of codex
_INTERRUPT_TIMEOUT = 5.0  # seconds

Outcome: TypeAlias = Literal["completed", "stopped", "inactive"]


class Conversation:
    """Sends prompts to Codex on one thread, and shows the turns.

    Attributes:
        client: The client.
        interrupts: The handler of Ctrl-C.
        thread: The thread; `None` until the first turn.
    """

    def __init__(self, client: CodexClient, options: Options, interrupts: InterruptHandler, approver: Approver) -> None:
        self.client = client
        self._options = options
        self.interrupts = interrupts
        self._approver = approver
        self.thread: CodexThread | None = None
        self._is_resumable = False  # the server keeps a thread after its first turn

    def print_resume_command(self) -> None:
        """Print the command that resumes the thread, if the thread can be resumed."""
        if self.thread is not None and self._is_resumable:
            text = f"to resume: {PROGRAM} --resume {shlex.quote(self.thread.id)}{self._options.server_args}"
            if _PLAIN_ID.fullmatch(self.thread.id):
                print(clean_text(text), file=sys.stderr, flush=True)  # not folded, so that it can be copied
            else:
                print_status(text)

    async def resume(self, thread_id: str) -> None:
        """Continue an existing thread."""
        self.thread = await self.client.resume_thread(thread_id, **self._thread_options())
        self._is_resumable = True

    def start_new_thread(self) -> None:
        """Run the next turn on a new thread."""
        self.thread = None
        self._is_resumable = False

    def _thread_options(self) -> ResumeOptions:
        """Return the options of the thread that were given."""
        options: ResumeOptions = {}
        if self._options.model is not None:
            options["model"] = self._options.model
        if self._options.cwd is not None:
            options["cwd"] = self._options.cwd
        return options

    async def send(self, prompt: str) -> Outcome:
        """Run a turn and show it.

        Raises:
            CodexError: The turn did not complete, and it was not stopped here.
        """
        view = make_view(as_json=self._options.json)
        turn, stopping = trio.CancelScope(), trio.CancelScope()

        def stop() -> None:
            self.interrupts.nursery.start_soon(self._stop, turn, stopping)

        with turn, self.interrupts.on_next(stop), self._approver.answering(view):
            try:
                return await self._run_turn(prompt, view)
            except CodexTurnInterruptedError:
                if not self.interrupts.was_pressed:
                    raise
            finally:
                stopping.cancel()
        return "stopped"

    async def _stop(self, turn: trio.CancelScope, stopping: trio.CancelScope) -> None:
        """Interrupt the turn and show its remaining events. If its end takes too long, cancel it."""
        with stopping:
            with trio.move_on_after(_INTERRUPT_TIMEOUT):
                try:
                    if self.thread is not None and await self.thread.interrupt():
                        await trio.sleep_forever()
                except CodexError as exc:
                    print_status(f"the turn could not be interrupted: {exc}")
            turn.cancel()

    async def _run_turn(self, prompt: str, view: View) -> Outcome:
        """Run a turn to its end. After inactivity, stop it or keep waiting."""
        if self.thread is None:
            self.thread = await self.client.start_thread(**self._thread_options())
        timeout = self._options.inactivity_timeout
        events = self.thread.stream(prompt, inactivity_timeout=timeout)
        while True:
            try:
                await view.show(events)
                return "completed"
            except CodexTurnInactiveError as exc:
                if not self._options.keep_waiting:
                    await self._stop_inactive(exc, view)
                    return "inactive"
                silence = f"no events for {format_seconds(exc.idle_seconds)}"
                print_status(f"{silence}; still waiting, and Ctrl-C stops the turn")
                events = self.thread.stream(continuation=exc.continuation, inactivity_timeout=timeout)
            finally:
                self._is_resumable = self._is_resumable or events.turn_id is not None

    async def _stop_inactive(self, exc: CodexTurnInactiveError, view: View) -> None:
        """Stop an inactive turn and show its remaining steps."""
        silence = f"no events for {format_seconds(exc.idle_seconds)}"
        try:
            cancelled = await self.client.cancel(exc.continuation, timeout=_INTERRUPT_TIMEOUT)
        except CodexError as error:
            print_status(f"{silence}, and the turn could not be stopped: {error}")
            return
        for step in cancelled.steps:
            view.show_step(step)
        print_status(f"{silence}, so the turn was stopped; use --keep-waiting to wait longer")
