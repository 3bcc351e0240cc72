"""`DrawnView`: a turn as Rich draws it."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rich.console import Console

from codex_trio import ConversationStep, EventStream
from codex_trio.rendering import TurnView, render_step

from .view import View


class DrawnView(View):
    """Panels, and below them what goes on at the moment."""

    def __init__(self) -> None:
        self._console = Console()
        self._drawing = TurnView(self._console)

    async def show(self, events: EventStream) -> None:
        await self._drawing.render(events)

    def show_step(self, step: ConversationStep) -> None:
        self._console.print(render_step(step))

    def paused(self) -> AbstractContextManager[object]:
        return self._drawing.paused()
