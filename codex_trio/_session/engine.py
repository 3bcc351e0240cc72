"""`Engine`: what a conversation needs of the client that it is held through, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..models import ChatContinuation
from .turn import Turn
from .turn_request import TurnRequest


class Engine(Protocol):
    """The machinery of turns over one connection."""

    @property
    def is_experimental(self) -> bool:
        """Whether the client was opened with `experimental_api`."""
        ...

    def check_open(self) -> None:
        """Raise `CodexTransportError` unless the client is open and has its server."""
        ...

    def patience(self, timeout: float | None) -> float:
        """Return the seconds of an `inactivity_timeout`."""
        ...

    async def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Make any request."""
        ...

    async def begin(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn and become its consumer."""
        ...

    async def resume(self, continuation: ChatContinuation, *, wants_deltas: bool) -> Turn:
        """Become the consumer of a turn that was handed out."""
        ...

    def abandon(self, turn: Turn) -> None:
        """Stop a turn that nobody wants any more, in the background."""
        ...

    def forget(self, turn: Turn) -> None:
        """Let go of a turn that is drained."""
        ...

    async def read_history(self, turn: Turn) -> Mapping[str, Any] | None:
        """Return the turn as the server remembers it."""
        ...

    def open_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread."""
        ...

    def is_starting(self, thread_id: str) -> bool:
        """Whether a turn of this client is being started on a thread."""
        ...

    async def wait_free(self, thread_id: str) -> None:
        """Wait, for a limited time, while an abandoned turn runs on the thread."""
        ...

    async def running_turn(self, thread_id: str) -> Turn | None:
        """Return the open turn of a thread; wait for one that is being started."""
        ...

    async def stop(self, turn: Turn) -> None:
        """Interrupt a turn and wait for its end."""
        ...

    async def interrupt(self, thread_id: str, turn_id: str) -> None:
        """Send one interrupt."""
        ...

    def unload(self, thread_id: str) -> None:
        """Note that the events of a thread no longer come here."""
        ...
