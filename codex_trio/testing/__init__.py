"""Tests without a clock, a network or an account. Imported explicitly, like `trio.testing`.

`ScriptedAppServer` is an app-server in memory, for Trio's mock clock. `open_scripted_model` is a model on loopback that
makes the real codex binary deterministic. Both play scripts of the same words: `say`, `think`, `run`, `patch`, `wait`,
and so on. What one of them cannot play, it refuses where it is written.
"""

from ._faults import faults
from ._model import ScriptedModel, open_scripted_model
from ._replay import ReplayDeviationError, ReplayTransport
from ._script import (
    ScriptPart,
    Step,
    ask_approval,
    ask_question,
    ask_server_request,
    call_tool,
    drop_connection,
    exit,  # noqa: A004  the script's word for what a process does
    fail,
    hang,
    omit_completed,
    patch,
    raw,
    refuse,
    reply,
    retry,
    run,
    say,
    think,
    wait,
)
from ._server import HeldCall, ScriptedAppServer
from ._server_connection import PendingAsk, ScriptedTransport, ServerConnection
from ._wire import Refusal

__all__ = [
    "HeldCall",
    "PendingAsk",
    "Refusal",
    "ReplayDeviationError",
    "ReplayTransport",
    "ScriptPart",
    "ScriptedAppServer",
    "ScriptedModel",
    "ScriptedTransport",
    "ServerConnection",
    "Step",
    "ask_approval",
    "ask_question",
    "ask_server_request",
    "call_tool",
    "drop_connection",
    "exit",
    "fail",
    "faults",
    "hang",
    "omit_completed",
    "open_scripted_model",
    "patch",
    "raw",
    "refuse",
    "reply",
    "retry",
    "run",
    "say",
    "think",
    "wait",
]
