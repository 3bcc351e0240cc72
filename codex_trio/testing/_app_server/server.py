"""`ScriptedAppServer`: a scripted app-server in memory. Uses Trio's clock and no I/O."""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import msgspec
import trio

from ...errors import CodexTransportError
from .._scripted_turns import ScriptedTurns
from .._steps import CallTool, ScriptJs, Step
from .._wire_shapes import Message, RpcError, text_of
from .connection import ScriptedTransport, ServerConnection
from .history import ServedThread
from .methods import Methods
from .overrides import Countdown
from .state import ServerState

_OWN_TOOLS = frozenset({"apply_patch", "exec_command", "request_permissions", "request_user_input", "write_stdin"})
_INSTEAD = (
    "call_tool() is for the client's tools; for codex's own use run(), patch(), ask_question() or ask_server_request()"
)


class HeldCall:
    """A request that the test responds to. See `ScriptedAppServer.hold`.

    Attributes:
        connection: The connection that it came from.
        id: The request id.
        method: The method.
        params: The params; empty if the request had none.
    """

    def __init__(self, server: ScriptedAppServer, connection: ServerConnection, message: Message) -> None:
        self.connection = connection
        self.id: int | str = message["id"]
        self.method: str = message["method"]
        self.params: Message = message.get("params") or {}
        self._server = server
        self._message = message

    def reply(self, result: object) -> None:
        """Respond with a result."""
        self.connection.send({"id": self.id, "result": result})

    def error(self, code: int, message: str, data: object = None) -> None:
        """Respond with an error."""
        self.connection.send({"error": RpcError(message, code=code, data=data).error, "id": self.id})

    def proceed(self) -> None:
        """Let the server handle the request as usual."""
        self._server._handle(self.connection, self._message)


class ScriptedAppServer(ScriptedTurns):
    """An app-server in memory, scripted turn by turn.

    It imitates the recorded traffic of codex 0.171. Waiting is `trio.sleep`, so tests with a mock clock take no real time.

    Output schemas and the schemas of tools are checked as the Responses API does. A turn with an invalid schema fails.

    Args:
        nursery: Runs the turns, which then outlive the connection that started them, as on a websocket server. Without
            it, turns end with their connection, as on stdio. Once all connections have ended, the next one is to a new
            process.
        start_delay: Seconds from the response to `turn/start` until `turn/started`. Until then the turn cannot be
            interrupted.

    Attributes:
        received: Every message from the clients, in order.
        invalid_messages: Lines from the clients that are not JSON objects. The server ignores them.
        prompts: The text of each `turn/start` and `turn/steer`, including those answered with an error.
        open_delay: Seconds that opening a connection takes.

    Example:
        ```python
        server = ScriptedAppServer()
        server.on_turn(think("hm"), run("ls", output="a b"), wait(200), say("done"))
        async with open_codex_client(server.transport()) as client:
            assert (await client.chat_once("hello")).final_text == "done"
        assert server.prompts == ["hello"]
        ```
    """

    def __init__(self, nursery: trio.Nursery | None = None, *, start_delay: float = 0.003) -> None:
        super().__init__()
        self.received: list[Message] = []
        self.invalid_messages: list[bytes] = []
        self.prompts: list[str] = []
        self.open_delay = 0.0
        self._state = ServerState(nursery, start_delay)
        self._methods = Methods(self._state, self._script_of, self._script_of_agent)
        self._held: dict[str, tuple[trio.MemorySendChannel[HeldCall], trio.MemoryReceiveChannel[HeldCall]]] = {}
        self._holding: set[str] = set()
        self._unreachable: tuple[str, Countdown] = ("", Countdown(0))

    def on_shell(self, command: str, *, output: str = "", exit_code: int = 0) -> None:
        """Script a shell command of the user (`CodexThread.shell`). By default it exits with 0 and has no output.

        Example:
            ``server.on_shell("git status", output="nothing to commit\\n")``
        """
        self._state.shell[command] = output, exit_code

    def reply(self, method: str, result: object) -> None:
        """Respond to a method with this result instead of handling it, until changed.

        Args:
            method: Any method, known or unknown.
            result: The result, or a callable that takes the params and returns it or raises an `RpcError`. The callable
                may be async; other requests are handled while it runs.

        Example:
            ``server.reply("thread/list", {"data": [], "nextCursor": None})``
        """
        self._state.overrides.reply(method, result)

    def fail_next(
        self,
        method: str,
        *,
        code: int = -32001,
        message: str = "Server overloaded; retry later.",
        data: object = None,
        times: int | None = 1,
    ) -> None:
        """Respond to the next requests of a method with an error.

        Args:
            method: Any method, known or unknown.
            code: The JSON-RPC error code.
            message: The error message.
            data: The error's ``data``; left out if `None`.
            times: The number of requests; `None` means all.

        Example:
            ``server.fail_next("thread/list", times=2)``
        """
        self._state.overrides.fail_next(method, RpcError(message, code=code, data=data), times)

    def ignore(self, method: str, *, times: int | None = None) -> None:
        """Never respond to the next `times` requests of a method; `None` means all."""
        self._state.overrides.ignore(method, times)

    def reset(self, method: str) -> None:
        """Undo `reply`, `fail_next` and `ignore` for a method: the server handles its requests again."""
        self._state.overrides.reset(method)

    def handle(self, method: str, params: Mapping[str, Any]) -> Message:
        """Handle a request as if the newest connection had sent it, and return the result. For use in `reply`.

        Raises:
            RpcError: The server responds with an error.
            RuntimeError: No client is connected.

        Example:
            ``server.reply("thread/read", lambda params: {**server.handle("thread/read", params), "new": 1})``
        """
        return self._methods.call(self.connection, method, dict(params))

    def hold(self, method: str) -> None:
        """Do not handle requests of a method, but pass them to the test. Receive them from `held`."""
        self._holding.add(method)
        if method not in self._held:
            self._held[method] = trio.open_memory_channel[HeldCall](math.inf)

    def held(self, method: str) -> trio.MemoryReceiveChannel[HeldCall]:
        """Return the channel with the held requests of a method.

        Raises:
            RuntimeError: `hold` was not called for this method.

        Example:
            ``(await server.held("turn/start").receive()).proceed()``
        """
        if method not in self._held:
            raise RuntimeError(f"requests of {method} are not held; call hold({method!r}) first")
        return self._held[method][1]

    def release(self, method: str) -> None:
        """Handle new requests of a method again. Requests that are already held stay held."""
        self._holding.discard(method)

    def refuse_connections(self, message: str = "connection refused", *, times: int | None = 1) -> None:
        """Let the next `times` attempts to connect fail; `None` means all."""
        self._unreachable = message, Countdown(times)

    def exit(self, code: int = 0, stderr: str = "") -> None:
        """Exit the process, which ends every connection and every turn. The next connection is to a new process.

        Args:
            code: The exit code. With 0 the server shuts down cleanly; otherwise unfinished work is missing from the
                history.
            stderr: The last output of the process on stderr.
        """
        self._state.exit(code, stderr)

    def transport(self) -> ScriptedTransport:
        """Return a transport to this server. Each time it is opened, it makes a new connection."""
        return ScriptedTransport(self._connect)

    @property
    def connections(self) -> list[ServerConnection]:
        """The open connections, oldest first."""
        return self._state.connections.copy()

    @property
    def connection(self) -> ServerConnection:
        """The newest open connection.

        Raises:
            RuntimeError: No client is connected.
        """
        if not self._state.connections:
            raise RuntimeError("no client is connected to the scripted app-server")
        return self._state.connections[-1]

    @property
    def threads(self) -> dict[str, ServedThread]:
        """The threads by id, oldest first, with their turns: ``server.threads[thread_id].turns[-1].status``."""
        return self._state.threads.copy()

    @property
    def answers(self) -> list[Message]:
        """The clients' responses to server requests, in order. Only the first response to each request is listed."""
        return self._state.asks.answers

    @property
    def start_delay(self) -> float:
        """Seconds from the response to `turn/start` until `turn/started`."""
        return self._state.start_delay

    @start_delay.setter
    def start_delay(self, seconds: float) -> None:
        self._state.start_delay = seconds

    def received_methods(self) -> list[str]:
        """Return the methods of all received requests and notifications, in order."""
        return [message["method"] for message in self.received if "method" in message]

    async def _connect(self, nursery: trio.Nursery) -> ServerConnection:
        await trio.sleep(self.open_delay)
        reason, remaining = self._unreachable
        if remaining.take():
            raise CodexTransportError(f"cannot reach the scripted app-server: {reason}")
        state = self._state
        connection = ServerConnection(nursery, state.asks, self._on_message, state.on_connection_end)
        state.connections.append(connection)
        return connection

    def _on_message(self, connection: ServerConnection, raw: bytes) -> None:
        try:
            message = msgspec.json.decode(raw)
        except msgspec.DecodeError:
            self.invalid_messages.append(raw)
            return
        if not isinstance(message, dict):
            self.invalid_messages.append(raw)
            return
        self.received.append(message)
        has_id = isinstance(message.get("id"), (int, str)) and not isinstance(message["id"], bool)
        if "method" in message and has_id:
            self._on_request(connection, message)
        elif has_id and ("result" in message or "error" in message):
            self._state.asks.resolve(message)

    def _on_request(self, connection: ServerConnection, message: Message) -> None:
        method = message["method"]
        params = message.get("params")
        if method in ("turn/start", "turn/steer") and isinstance(params, dict):
            self.prompts.append(text_of(params.get("input")))
        overrides = self._state.overrides
        if overrides.ignores(method):
            return
        if refusal := overrides.refusal_of(method):
            connection.send({"error": refusal.error, "id": message["id"]})
        elif method in self._holding:
            self._held[method][0].send_nowait(HeldCall(self, connection, message))
        else:
            self._handle(connection, message)

    def _handle(self, connection: ServerConnection, message: Message) -> None:
        method, replier = message["method"], self._state.overrides.replier_of(message["method"])
        try:
            params = self._methods.check(connection, message, is_overridden=replier is not None)
            if replier is None:
                result: Any = self._methods.call(connection, method, params)
            else:
                result = replier(params)
                if method == "initialize":
                    self._methods.settle_initialize(connection, params)
        except RpcError as refusal:
            connection.send({"error": refusal.error, "id": message["id"]})
            self._state.run_after_response(is_refused=True)
            return
        if inspect.isawaitable(result):
            connection.start(self._respond_later, connection, message, result)
            return
        connection.send({"id": message["id"], "result": result})
        self._state.run_after_response()

    async def _respond_later(
        self, connection: ServerConnection, message: Mapping[str, Any], result: Awaitable[object]
    ) -> None:
        try:
            connection.send({"id": message["id"], "result": await result})
        except RpcError as refusal:
            connection.send({"error": refusal.error, "id": message["id"]})

    def _check(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, ScriptJs):
                raise ValueError(
                    f"the in-memory server cannot play {step}, because it does not run JavaScript; use the scripted model"
                )
            if isinstance(step, CallTool) and (step.name in _OWN_TOOLS or (step.namespace or "").startswith("mcp__")):
                raise ValueError(f"the in-memory server cannot play {step}: {_INSTEAD}")
