"""A scripted model for the real codex binary: the Responses API on loopback, and a CODEX_HOME that points to it.

It must never reach beyond 127.0.0.1, nor outlive its `async with`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import h11
import msgspec
import trio

from ..._transports.stdio import StdioTransport
from .._model_errors import MODEL_ERRORS
from .._schema_check import find_request_fault
from .._script import say
from .._scripted_turns import ScriptedTurns, opens_stream
from .._steps import Fail, Hang, Retry, Say, Step, Think, Wait
from . import codex_home, responses
from .listening_server import ListeningServer
from .responses import Exchange, ModelRequest
from .tool_calls import CALLS, Call, NotOfferedError, make_calls

_Script = tuple[Step, ...]

_ITEM_NUMBERS = itertools.count(1)  # shared, because several models may serve one codex
_PLAYABLE = (Say, Think, Wait, Fail, Retry, Hang, *CALLS)


def open_scripted_model(
    *, approval_policy: str | None = None, sandbox_mode: str | None = None, config: str = ""
) -> ScriptedModel:
    """Open a model that plays scripts, for the real codex binary.

    Args:
        approval_policy: ``untrusted``, ``on-request`` or ``never``; `None` means codex's default.
        sandbox_mode: ``read-only``, ``workspace-write`` or ``danger-full-access``; `None` means codex's default.
        config: More TOML for the ``config.toml`` in the model's CODEX_HOME. It is merged into the defaults, key by key.
            For example, ``model_providers.scripted.stream_max_retries = 2`` lets codex retry.

    Returns:
        A model. It is an async context manager, and open inside its ``async with``.

    Raises:
        ValueError: `config` is not TOML.

    Example:
        ```python
        async with open_scripted_model() as model:
            model.on_turn(think("Let me look."), run("ls"), say("An empty folder."))
            async with open_codex_client(model.transport()) as client:
                assert (await client.chat_once("What is here?")).final_text == "An empty folder."
        ```
    """
    settings = codex_home.parse_config(config)
    if approval_policy is not None:
        settings["approval_policy"] = approval_policy
    if sandbox_mode is not None:
        settings["sandbox_mode"] = sandbox_mode
    return ScriptedModel(settings)


class ScriptedModel(ScriptedTurns):
    """A model that plays scripts, one for each turn. Created by `open_scripted_model`.

    A turn takes several calls of the model. A tool (`run`, `patch`, `call_tool`, `sleep` and so on) ends a call, and the
    script continues with the call that contains the tool's result. If codex abandons the turn, or the user steers it,
    the rest of its script is dropped.

    The same script plays on a thread with an unknown model and on one with the model of an account, such as
    ``model="gpt-6.2-sol"``, to which codex offers other tools: there `run`, `patch` and `call_tool` are sent as
    JavaScript. A tool that codex does not offer fails the turn, with an HTTP 400 that names the step and the tool.

    Output schemas and the schemas of tools are checked as the Responses API does. A request with an invalid schema gets
    the API's HTTP 400, ``invalid_json_schema`` or ``invalid_function_parameters``, and the turn fails.

    Attributes:
        requests: Every call of the model so far, in order of arrival.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.requests: list[ModelRequest] = []
        self._settings = settings
        self._home: Path | None = None
        self._url = ""
        self._rests: dict[str, _Script] = {}  # by the call id or turn id that the turn's next call contains
        self._open_responses = 0
        self._idle = trio.Event()
        self._nursery_manager: Any = None
        self._scope: trio.CancelScope

    async def __aenter__(self) -> ScriptedModel:
        if self._home is not None:
            raise RuntimeError("a scripted model can be opened only once; create another with open_scripted_model()")
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self._url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/v1"
        try:
            self._home = codex_home.make_home(self._url, self._settings)
        except BaseException:
            listener.socket.close()
            raise
        # Entered by hand, so that an exception of the body never goes through the nursery and into a group.
        self._nursery_manager = trio.open_nursery()
        nursery: trio.Nursery = await self._nursery_manager.__aenter__()
        nursery.start_soon(trio.serve_listeners, self._serve, [listener])
        self._scope = nursery.cancel_scope
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._scope.shield = True  # bounded: every task is cancelled at once, and no task is shielded
        self._scope.cancel()
        try:
            await self._nursery_manager.__aexit__(None, None, None)
        finally:
            codex_home.remove_home(self.home)

    @property
    def home(self) -> Path:
        """The CODEX_HOME. It is deleted when the model closes.

        Raises:
            RuntimeError: The model is not open.
        """
        if self._home is None:
            raise RuntimeError("the model is not open; use: async with open_scripted_model() as model")
        return self._home

    @property
    def url(self) -> str:
        """The provider's ``base_url``."""
        return self._url

    @property
    def open_responses(self) -> int:
        """The number of calls of the model that are in progress."""
        return self._open_responses

    async def wait_idle(self) -> None:
        """Wait until no call of the model is in progress. Each has completed, or codex has disconnected."""
        await trio.lowlevel.checkpoint()
        while self._open_responses:
            await self._idle.wait()

    def env(self) -> dict[str, str]:
        """Return the environment variables that a codex process needs, in addition to the current ones."""
        return {
            "CODEX_HOME": str(self.home),
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "SHLVL": "1",  # at level 0, a bash whose input is a socket, as under codex, reads the user's ~/.bashrc
        }

    def transport(
        self,
        command: str | Sequence[str] | None = None,
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> StdioTransport:
        """Return a transport that starts a new codex app-server with this model, without the user's CODEX_HOME.

        Args:
            command: See `StdioTransport`.
            cwd: See `StdioTransport`. Codex reads the project instructions in this directory.
            env: More environment variables for the server. They override those of `env()`.
        """
        return StdioTransport(command, cwd=cwd, env={**self.env(), **(env or {})})

    def listening(
        self, command: str | Sequence[str] | None = None, *arguments: str, cwd: str | os.PathLike[str] | None = None
    ) -> AbstractAsyncContextManager[str]:
        """Run a new codex app-server with this model that listens for websockets on loopback.

        The server and its process group are killed at the end of the ``async with``. A command that a turn is running
        at that time has a separate session, and may keep running (codex 0.163, 0.169).

        Args:
            command: See `StdioTransport`.
            arguments: More arguments, such as ``"--ws-auth", "capability-token", "--ws-token-file", "token"``.
            cwd: See `transport`.

        Returns:
            An async context manager that returns the URL, with a free port.

        Raises:
            CodexTransportError: On entering: the command does not exist, or it does not listen. No process is left.
            ValueError: `command` cannot be split.

        Cancellation: On entering, no process is left. On leaving, the server is still killed.

        Example:
            ``async with model.listening() as url, open_codex_client(WebSocketTransport(url)) as client: ...``
        """
        return ListeningServer(command, arguments, cwd=cwd, env=self.env())

    def _check(self, steps: Sequence[Step]) -> None:
        has_spoken = False
        for step in steps:
            if not isinstance(step, _PLAYABLE):
                raise ValueError(f"the scripted model cannot play {step}; use the in-memory server")
            if isinstance(step, Retry) and step.http_status is not None:
                raise ValueError(f"the scripted model cannot play {step}: it has no HTTP status when it breaks off")
            if isinstance(step, Fail) and step.http_status is not None and has_spoken:
                raise ValueError(
                    "fail(http_status=...) must come before the response starts: first, or after a tool or retry()"
                )
            if isinstance(step, Fail) and step.http_status is None and step.error_info not in MODEL_ERRORS:
                known = ", ".join(MODEL_ERRORS)
                raise ValueError(f"the scripted model can make codex fail with {known}, not {step.error_info!r}")
            has_spoken = isinstance(step, Say | Think) or (has_spoken and not isinstance(step, (Retry, *CALLS)))

    async def _serve(self, stream: trio.SocketStream) -> None:
        exchange = Exchange(stream)
        received = await exchange.receive()
        if received is None:
            return
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_dropped, exchange, nursery.cancel_scope)
            with suppress(trio.BrokenResourceError):  # codex has disconnected; the rest of the script is dropped
                await self._answer(exchange, *received)
            nursery.cancel_scope.cancel()

    async def _answer(self, exchange: Exchange, head: h11.Request, body: bytes) -> None:
        if (head.method, head.target) != (b"POST", b"/v1/responses"):
            what = f"{head.method.decode()} {head.target.decode()}"
            await exchange.refuse(404, f"the scripted model does not support {what}")
            return
        try:
            decoded = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            await exchange.refuse(400, f"the scripted model cannot read the request: {error}")
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        request = ModelRequest.from_wire(decoded, headers)
        self.requests.append(request)
        self._open_responses += 1
        script = self._script_for(request)
        try:
            fault = find_request_fault(decoded)
            if fault is not None:
                await exchange.refuse_with(400, fault)
                return
            await self._play(exchange, request, script)
        except NotOfferedError as error:
            await exchange.refuse(400, str(error))
        finally:
            self._open_responses -= 1
            if not self._open_responses:
                self._idle.set()
                self._idle = trio.Event()

    def _script_for(self, request: ModelRequest) -> _Script:
        for key in (*request.answered_calls, request.turn_id):
            if key in self._rests:  # the request continues a turn; any other starts one
                return self._rests.pop(key)
        if request.ends_with_report:
            return ()  # the turn's script has ended, and its last message stays the final one
        if request.kind != "turn":  # not a turn, for example a compaction; do not use up a turn's script
            return self._script_by_rule(request.prompt) or (say("ok"),)
        return (self._script_of_agent if request.is_of_agent else self._script_of)(request.prompt)

    async def _play(self, exchange: Exchange, request: ModelRequest, script: _Script) -> None:
        """Play a script to its next tool, or to its end. Without the closing events, the stream breaks off."""
        response_id = self._new_id("resp")
        opening = responses.created_events(response_id)  # consumed by the first step that needs an open stream
        calls = _next_calls(script, request)
        for position, step in enumerate(script):
            rest = script[position + 1 :]
            match step:
                case Wait(seconds):
                    if opens_stream(script[position:]):
                        await exchange.stream(opening)
                    await trio.sleep(seconds)
                case Fail():
                    self._keep(request.turn_id, (step,))  # if codex retries, fail again
                    await self._fail(exchange, opening, step)
                    return
                case Retry():
                    self._keep(request.turn_id, rest)
                    await exchange.stream(opening)
                    return
                case Hang():
                    await exchange.stream(opening)
                    await trio.sleep_forever()
                case Say(seconds=seconds) if seconds:
                    await exchange.stream(opening)
                    await self._say_slowly(exchange, step)
                case Say() | Think():
                    await exchange.stream(itertools.chain(opening, self._events(step)))
                case _:
                    await exchange.stream(itertools.chain(opening, self._call(calls, rest)))
                    break
        await exchange.stream(itertools.chain(opening, responses.completed_events(response_id)))
        await exchange.finish()

    async def _fail(self, exchange: Exchange, opening: Iterable[responses.Event], step: Fail) -> None:
        if step.http_status is not None:
            await exchange.refuse(step.http_status, step.message)
            return
        code = MODEL_ERRORS[step.error_info].code
        await exchange.stream(itertools.chain(opening, responses.failed_events(code, step.message)))
        await exchange.finish()

    async def _say_slowly(self, exchange: Exchange, step: Say) -> None:
        events = list(self._events(step))
        await exchange.stream(events[:1])
        for event in events[1:-1]:
            await exchange.stream([event])
            await trio.sleep(step.seconds / (len(events) - 2))
        await exchange.stream(events[-1:])

    def _events(self, step: Say | Think) -> Iterable[responses.Event]:
        if isinstance(step, Say):
            return responses.message_events(self._new_id("msg"), step.text, phase=step.phase, pieces=step.pieces)
        return responses.reasoning_events(self._new_id("rs"), step.text)

    def _call(self, calls: Sequence[Call], rest: _Script) -> Iterable[responses.Event]:
        """Call tools in parallel. All results come in one request, so the last call's id is enough to find the rest."""
        for position, call in enumerate(calls):
            call_id = self._new_id("call")
            if position == len(calls) - 1:
                self._keep(call_id, rest)
            yield from responses.call_events(self._new_id("fc"), call_id, call)

    def _keep(self, key: str, rest: _Script) -> None:
        """Keep the rest of a script for the call that contains `key`. The key is empty if codex sends no turn id."""
        if key:
            self._rests[key] = rest

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{next(_ITEM_NUMBERS)}"


def _next_calls(script: _Script, request: ModelRequest) -> list[Call]:
    """Return the tool calls at the end of the model's response.

    Raises:
        NotOfferedError: Codex does not offer this tool.
    """
    end = next((step for step in script if isinstance(step, (Fail, Retry, Hang, *CALLS))), None)
    return make_calls(end, request) if isinstance(end, CALLS) else []


async def _cancel_when_dropped(exchange: Exchange, scope: trio.CancelScope) -> None:
    await exchange.wait_dropped()
    scope.cancel()
