"""What Codex asks before it acts: answered by the person at the terminal, and declined where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import trio

from codex_trio import Approval, CommandApproval, Decision, Elicitation, FileChange, FileChangeApproval

from .terminal import ask_yes_or_no, can_ask
from .text import tell
from .view import View


class Approver:
    """Makes the decisions, one at a time, in the turns of ours.

    What is asked while none of them runs is about another client's turn, and for that client.
    """

    def __init__(self) -> None:
        self._view: View | None = None
        self._talking = trio.Event()
        self._lock = trio.Lock()

    @contextmanager
    def answers(self, view: View) -> Iterator[None]:
        """Answer for a turn that `view` shows, for the length of the body."""
        self._view = view
        self._talking.set()
        try:
            yield
        finally:
            self._view = None
            self._talking = trio.Event()

    async def decide(self, request: Approval) -> Decision:
        """Answer an approval."""
        what = _described(request)
        if request.reason:
            what = f"{what}\nbecause: {request.reason}"
        return request.accept() if await self._ask(what) else request.decline()

    async def answer(self, asked: Elicitation) -> Decision:
        """Answer whether a tool may be called; decline what wants more than a yes or no."""
        if not asked.tool_name:
            tell(f"declined: {asked.server_name} asks what is not asked for here: {asked.message}")
            return asked.decline()
        what = f"use the tool {asked.tool_name} of {asked.server_name}: {asked.message}"
        return asked.accept() if await self._ask(what) else asked.decline()

    async def _ask(self, what: str) -> bool:
        async with self._lock:
            while self._view is None:
                await self._talking.wait()
            with self._view.paused():
                if can_ask():
                    tell(f"Codex wants to {what}")
                    return await ask_yes_or_no("Allow it?")
                tell(f"declined, as there is no terminal to ask at: {what}")
                return False


def _described(request: Approval) -> str:
    if isinstance(request, CommandApproval):
        where = f"\nin: {request.cwd}" if request.cwd else ""
        return f"run: {request.script}{where}"
    if isinstance(request, FileChangeApproval):
        wider = f"\nand write from now on to: {request.grant_root}" if request.grant_root else ""
        return f"change files:\n{_changes(request.changes or ())}{wider}"
    return f"have more permissions: {json.dumps(dict(request.permissions))}"


def _changes(changes: Iterable[FileChange]) -> str:
    return "\n".join(f"{one.kind} {one.path}\n{one.diff.rstrip()}" for one in changes) or "(it does not tell which)"
