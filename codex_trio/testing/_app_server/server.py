"""`ScriptedAppServer`: an app-server in memory that does what a test tells it, under Trio's clock and without I/O."""

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
from .methods import Methods
from .overrides import Countdown
from .state import ServerState

_OWN_TOOLS = frozenset({"apply_patch", "exec_command", "request_permissions", "request_user_input", "write_stdin"})
_INSTEAD = "it calls the client's tools; for codex's own there are run(), patch(), ask_question(), ask_server_request()"


class HeldCall:
    """A request that the test answers by hand.

    Attributes:
        connection: Where it came from.
        id: Its id.
        method: Its method.
        params: Its params; empty if it had none.
    """

    def __init__(self, server: ScriptedAppServer, connection: ServerConnection, message: Message) -> None:
        self.connection = connection
        self.id: int | str = message["id"]
        self.method: str = message["method"]
        self.params: Message = message.get("params") or {}
        self._server = server
        self._message = message

    def reply(self, result: object) -> None:
        """Answer with a result."""
        self.connection.send({"id": self.id, "result": result})

    def error(self, code: int, message: str, data: object = None) -> None:
        """Answer with an error."""
        self.connection.send({"error": RpcError(message, code=code, data=data).error, "id": self.id})

    def proceed(self) -> None:
        """Let the server do and answer what it would have."""
        self._server._serve(self.connection, self._message)


class ScriptedAppServer(ScriptedTurns):
    """An app-server in memory, scripted turn by turn.

    It imitates codex 0.171 as its recorded traffic shows it. Everything happens in the tasks of its users, and
    waiting is `trio.sleep`, so tests with a mock clock take no time.

    The schema of an answer, and what codex leaves of the schemas of tools, are checked as the Responses API does. A turn
    with one that the API refuses fails.

    Args:
        nursery: Runs the turns, which then outlive the connection that started them, as on a websocket server. Without
            it they die with that connection, as on stdio, and a connection after the last one is a new process.
        start_delay: Virtual seconds from the answer to `turn/start` to `turn/started`, in which the turn cannot be
            interrupted.

    Attributes:
        received: Every message of the clients, in order.
        invalid_messages: What the clients sent that is not JSON; the server ignores it.
        prompts: The text of each `turn/start` and `turn/steer`, refused ones included.
        open_delay: Virtual seconds that opening a connection takes.

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
        """Say what a shell command of the user does (`CodexThread.shell`): nothing, and at once, unless told.

        Example:
            ``server.on_shell("git status", output="nothing to commit\\n")``
        """
        self._state.shell[command] = output, exit_code

    def reply(self, method: str, result: object) -> None:
        """Answer a method with a result, instead of what the server would do, until changed.

        Args:
            method: It need not be one that the server knows.
            result: The result, or a callable of the params that returns it, or raises a `RpcError`; an async one may
                take its time, and other requests are served meanwhile.
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
        """Answer the next `times` calls of a method with an error; `None`: all of them."""
        self._state.overrides.fail_next(method, RpcError(message, code=code, data=data), times)

    def ignore(self, method: str, *, times: int | None = None) -> None:
        """Never answer the next `times` calls of a method; `None`: all of them."""
        self._state.overrides.ignore(method, times)

    def hold(self, method: str) -> None:
        """Do nothing about calls of a method but hand them to the test, see `held`."""
        self._holding.add(method)
        if method not in self._held:
            self._held[method] = trio.open_memory_channel[HeldCall](math.inf)

    def held(self, method: str) -> trio.MemoryReceiveChannel[HeldCall]:
        """Return the channel from which to `receive` the calls of a method that `hold` was called for.

        Raises:
            RuntimeError: It was not.
        """
        if method not in self._held:
            raise RuntimeError(f"calls of {method} are not held; call hold({method!r}) first")
        return self._held[method][1]

    def release(self, method: str) -> None:
        """Serve further calls of a method again; those that were held stay held."""
        self._holding.discard(method)

    def refuse_connections(self, message: str = "connection refused", *, times: int | None = 1) -> None:
        """Let the next `times` attempts to open a connection fail; `None`: all of them."""
        self._unreachable = message, Countdown(times)

    def exit(self, code: int = 0, stderr: str = "") -> None:
        """End the process: every connection and every turn. The next connection is to a new process.

        Args:
            code: 0 is an end in good order; after another one the history lacks what was not finished.
            stderr: The end of what the process wrote there.
        """
        self._state.exit(code, stderr)

    def transport(self) -> ScriptedTransport:
        """Return a transport to this server; each `open` of it is a new connection."""
        return ScriptedTransport(self._connect)

    @property
    def connections(self) -> list[ServerConnection]:
        """The live connections, oldest first."""
        return self._state.connections.copy()

    @property
    def connection(self) -> ServerConnection:
        """The newest live connection.

        Raises:
            RuntimeError: There is none.
        """
        if not self._state.connections:
            raise RuntimeError("no client is connected to the scripted app-server")
        return self._state.connections[-1]

    @property
    def answers(self) -> list[Message]:
        """The clients' answers to requests of the server, in order; of several to one request, the first."""
        return self._state.asks.answers

    @property
    def start_delay(self) -> float:
        """Virtual seconds from the answer to `turn/start` to `turn/started`."""
        return self._state.start_delay

    @start_delay.setter
    def start_delay(self, seconds: float) -> None:
        self._state.start_delay = seconds

    def received_methods(self) -> list[str]:
        """Return the methods of what was received, answers left out."""
        return [message["method"] for message in self.received if "method" in message]

    async def _connect(self, nursery: trio.Nursery) -> ServerConnection:
        await trio.sleep(self.open_delay)
        why, times = self._unreachable
        if times.take():
            raise CodexTransportError(f"cannot reach the scripted app-server: {why}")
        state = self._state
        connection = ServerConnection(nursery, state.asks, self._take, state.on_connection_end)
        state.connections.append(connection)
        return connection

    def _take(self, connection: ServerConnection, raw: bytes) -> None:
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
            self._take_request(connection, message)
        elif has_id and ("result" in message or "error" in message):
            self._state.asks.resolve(message)

    def _take_request(self, connection: ServerConnection, message: Message) -> None:
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
            self._serve(connection, message)

    def _serve(self, connection: ServerConnection, message: Message) -> None:
        method, replier = message["method"], self._state.overrides.repliers.get(message["method"])
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
            self._state.run_after_answer(is_refused=True)
            return
        if inspect.isawaitable(result):
            connection.start(self._serve_later, connection, message, result)
            return
        connection.send({"id": message["id"], "result": result})
        self._state.run_after_answer()

    async def _serve_later(
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
                    f"the in-memory server cannot play {step}: it runs no JavaScript; the scripted model can"
                )
            if isinstance(step, CallTool) and (step.name in _OWN_TOOLS or (step.namespace or "").startswith("mcp__")):
                raise ValueError(f"the in-memory server cannot play {step}: {_INSTEAD}")
