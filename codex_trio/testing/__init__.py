"""Test kit: no waiting, no network, no account. Import it explicitly, like `trio.testing`.

`ScriptedAppServer` is an app-server in memory, for Trio's mock clock. `open_scripted_model` opens a model on loopback that
makes the real codex binary deterministic. Both play scripts made of the same steps: `say`, `think`, `run`, `patch`,
`wait`, and so on. A step that one of them cannot play raises a `ValueError` when the script is defined.
"""

from ._app_server.connection import PendingServerRequest, ScriptedTransport, ServerConnection
from ._app_server.history import ServedThread, ServedTurn
from ._app_server.server import HeldCall, ScriptedAppServer
from ._faults import faulty
from ._model.model import ScriptedModel, open_scripted_model
from ._replay.transport import ReplayDeviationError, ReplayTransport
from ._script import (
    ScriptPart,
    ask_approval,
    ask_async,
    ask_question,
    ask_server_request,
    call_tool,
    drop_connection,
    exit,  # noqa: A004  a process exits
    fail,
    fail_next,
    hang,
    omit_completed,
    parallel,
    patch,
    raw,
    reply,
    retry,
    run,
    say,
    script_js,
    sleep,
    spawn_agent,
    start_command,
    tell_async,
    think,
    wait,
    wait_agent,
    write_stdin,
)
from ._steps import Step
from ._wire_shapes import RpcError

__all__ = [
    "HeldCall",
    "PendingServerRequest",
    "ReplayDeviationError",
    "ReplayTransport",
    "RpcError",
    "ScriptPart",
    "ScriptedAppServer",
    "ScriptedModel",
    "ScriptedTransport",
    "ServedThread",
    "ServedTurn",
    "ServerConnection",
    "Step",
    "ask_approval",
    "ask_async",
    "ask_question",
    "ask_server_request",
    "call_tool",
    "drop_connection",
    "exit",
    "fail",
    "fail_next",
    "faulty",
    "hang",
    "omit_completed",
    "open_scripted_model",
    "parallel",
    "patch",
    "raw",
    "reply",
    "retry",
    "run",
    "say",
    "script_js",
    "sleep",
    "spawn_agent",
    "start_command",
    "tell_async",
    "think",
    "wait",
    "wait_agent",
    "write_stdin",
]
