"""`ClientEngine`: what conversations need of an open client, see `Engine`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from .._options import check_timeout
from .._session.attaching import take_up
from .._session.connection import Call
from .._session.session import (
    Parts,
    Service,
)
from .._session.turn import Turn
from .._session.turn_request import TurnRequest
from .._tools import Tool
from .._wire.messages import Notice
from ..models import ChatContinuation


class ClientEngine:
    """Finds the client's parts anew for each call: they are there only while it is open."""

    def __init__(
        self, service: Service, *, request_timeout: float, inactivity_timeout: float, is_experimental: bool
    ) -> None:
        self._service = service
        self._request_timeout = request_timeout
        self._inactivity_timeout = inactivity_timeout
        self.is_experimental = is_experimental

    def check_open(self) -> None:
        """Raise `CodexTransportError` unless the client is open and has its server."""
        self._service.live_parts()

    def patience(self, timeout: float | None) -> float:
        """Return the seconds of an `inactivity_timeout`."""
        return self._inactivity_timeout if timeout is None else check_timeout(timeout, "inactivity_timeout")

    async def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """Make any request."""
        return await self._service.live_parts().lifecycle.request(method, params)

    async def start_thread(self, params: Mapping[str, Any], tools: Sequence[Tool] | None) -> Any:
        """Start a thread, with tools of its own if they are given."""
        if tools and not self.is_experimental:
            raise ValueError(
                "the server takes tools only from a client opened with tools, or with experimental_api=True"
            )
        return await self._service.live_parts().lifecycle.start_thread(params, tools=tools)

    async def begin(self, thread_id: str | None, request: TurnRequest) -> Turn:
        """Start a turn and become its consumer."""
        return await self._service.live_parts().lifecycle.begin(thread_id, request)

    async def resume(self, continuation: ChatContinuation, *, wants_deltas: bool) -> Turn:
        """Become the consumer of a turn that was handed out."""
        parts = self._service.live_parts()
        turn = await take_up(parts.lifecycle, parts.router, continuation, wants_deltas=wants_deltas)
        if not turn.ended.is_set():  # its end may have been lost, or the news that its thread is idle
            parts.lifecycle.reconcile(turn)
        return turn

    def abandon(self, turn: Turn) -> None:
        """Stop a turn that nobody wants any more, in the background."""
        self._parts().lifecycle.abandon(turn)

    def forget(self, turn: Turn) -> None:
        """Let go of a turn that is drained."""
        self._parts().router.forget(turn)

    async def read_history(self, turn: Turn) -> Mapping[str, Any] | None:
        """Return the turn as the server remembers it."""
        return await self._parts().lifecycle.read_history(turn)

    def open_turn(self, thread_id: str) -> Turn | None:
        """Return the turn of this client that runs on a thread."""
        return self._service.live_parts().router.open_turn(thread_id)

    def is_starting(self, thread_id: str) -> bool:
        """Whether a turn of this client is being started on a thread."""
        return self._service.live_parts().router.starting(thread_id) is not None

    async def wait_free(self, thread_id: str) -> None:
        """Wait, for a limited time, while an abandoned turn runs on the thread."""
        await self._service.live_parts().lifecycle.wait_free(thread_id)

    async def running_turn(self, thread_id: str) -> Turn | None:
        """Return the open turn of a thread; wait for one that is being started."""
        return await self._service.live_parts().lifecycle.running_turn(thread_id)

    async def stop(self, turn: Turn) -> None:
        """Interrupt a turn and wait for its end."""
        await self._service.live_parts().lifecycle.stop(turn)

    async def interrupt(self, thread_id: str, turn_id: str) -> None:
        """Send one interrupt."""
        lifecycle = self._service.live_parts().lifecycle
        await lifecycle.interrupt(thread_id, turn_id, timeout=self._request_timeout)

    def unload(self, thread_id: str) -> None:
        """Note that the events of a thread no longer come here."""
        self._parts().router.loaded.discard(thread_id)

    def watch(self, method: str, takes: Callable[[Notice], bool], on_lost: Callable[[], None]) -> Callable[[], None]:
        """Be shown the events of a method, see `Router.watch`."""
        return self._service.live_parts().router.watch(method, takes, on_lost)

    def start_soon(self, async_fn: Callable[[], Awaitable[object]]) -> None:
        """Run a task in the client's own nursery."""
        self._service.live_parts().lifecycle.start_soon(async_fn)

    async def perform_urgently(self, call: Call, *, timeout: float | None = None) -> Any:
        """Make a call past the line of waiting requests; `None` for the client's `request_timeout`."""
        patience = self._request_timeout if timeout is None else timeout
        return await self._service.live_parts().lifecycle.perform_urgently(call, timeout=patience)

    def _parts(self) -> Parts:
        # A turn is let go of after the connection was lost, too.
        parts = self._service.parts
        assert parts is not None, "a turn or a thread comes of a client that was open"
        return parts
