"""All methods of the scripted app-server, with the error responses of the real server."""

from __future__ import annotations

from collections.abc import Sequence

from .._steps import Step
from .._wire_shapes import Message, RpcError, make_initialize_result
from .account import AccountMethods
from .connection import ServerConnection
from .lookup import require
from .state import Method, ServerState
from .threads import ThreadMethods
from .turn_methods import ScriptOf, TurnMethods

_EXPERIMENTAL = (
    ("thread/start", "dynamicTools"),
    ("thread/resume", "initialTurnsPage"),
    ("turn/start", "collaborationMode"),
)
_EXPERIMENTAL_METHODS = ("thread/backgroundTerminals/", "thread/items/read")
_REQUIRED: dict[str, tuple[str, ...]] = {
    "account/login/start": ("type",),
    "account/logout": (),
    "account/read": (),
    "config/read": (),
    "config/value/write": ("keyPath", "value", "mergeStrategy"),
    "initialize": ("clientInfo",),
    "model/list": (),
    "review/start": ("threadId", "target"),
    "thread/backgroundTerminals/terminate": ("threadId", "processId"),
    "thread/items/read": ("threadId", "turnId", "itemIds"),
    "thread/list": (),
    "thread/loaded/list": (),
    "thread/name/set": ("threadId", "name"),
    "thread/revert": ("threadId", "beforeTurnId"),
    "thread/shellCommand": ("threadId", "command"),
    "thread/start": (),
    "turn/interrupt": ("threadId", "turnId"),
    "turn/start": ("threadId", "input"),
    "turn/steer": ("threadId", "input", "expectedTurnId"),
}
"""Required params. Every other method requires the thread's id."""


class Methods:
    """Handles requests. The response is the method's result, or the `RpcError` that it raises.

    Actions that must follow the response are passed to `ServerState.after_response`.
    """

    def __init__(self, state: ServerState, script_of: ScriptOf, script_of_agent: ScriptOf) -> None:
        self._state = state
        self._find_script = script_of
        self._error_of_script: Exception | None = None
        self._methods: dict[str, Method] = {
            "initialize": self._initialize,
            **ThreadMethods(state).methods,
            **TurnMethods(state, self._script_of, script_of_agent).methods,
            **AccountMethods(state).methods,
        }

    def check(self, connection: ServerConnection, message: Message, *, is_overridden: bool) -> Message:
        """Return the params of a request after the checks that do not depend on the method.

        Raises:
            RpcError: The method is unknown, params are missing, or the client must initialize first or opt in.
        """
        method, params = message["method"], message.get("params")
        if not is_overridden:
            if method not in self._methods:
                known = ", ".join(f"`{name}`" for name in self._methods)
                raise RpcError(f"Invalid request: unknown variant `{method}`, expected one of {known}")
            require({"params": params} if params is not None else {}, ("params",))
            require(params, _REQUIRED.get(method, ("threadId",)))
        if method != "initialize" and not connection.is_initialized:
            raise RpcError("Not initialized")
        params = params if isinstance(params, dict) else {}
        if not connection.is_experimental:
            if method.startswith(_EXPERIMENTAL_METHODS) and not is_overridden:
                raise RpcError(f"{method} requires experimentalApi capability")
            for experimental_method, name in _EXPERIMENTAL:
                if method == experimental_method and name in params:
                    raise RpcError(f"{method}.{name} requires experimentalApi capability")
        return params

    def call(self, connection: ServerConnection, method: str, params: Message) -> Message:
        """Return the result of a request that `check` has passed.

        Raises:
            RpcError: The method fails, or a param has the wrong type.
        """
        try:
            return self._methods[method](connection, params)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if error is self._error_of_script:  # a bug in the test's function, so the test must see it
                raise
            reason = f"{method} does not accept these params: {type(error).__name__}: {error}"
            raise RpcError(f"Invalid request: {reason}") from error

    def settle_initialize(self, connection: ServerConnection, params: Message) -> None:
        """Store the client's name and capabilities."""
        capabilities = params.get("capabilities") or {}
        connection.is_experimental = bool(capabilities.get("experimentalApi"))
        connection.is_initialized = True
        self._state.originator = self._state.originator or str((params.get("clientInfo") or {}).get("name", ""))
        connection.opted_out = frozenset(capabilities.get("optOutNotificationMethods") or ())

    def _script_of(self, prompt: str) -> Sequence[Step]:
        try:
            return self._find_script(prompt)
        except Exception as error:
            self._error_of_script = error
            raise

    def _initialize(self, connection: ServerConnection, params: Message) -> Message:
        require(params["clientInfo"], ("name", "version"))
        if connection.is_initialized:
            raise RpcError("Already initialized")
        self.settle_initialize(connection, params)
        status = {
            "status": "disabled",
            "serverName": "host",
            "installationId": "00000000-0000-4000-8000-000000000000",
            "environmentId": None,
        }
        state = self._state
        state.after_response(lambda: state.deliver([connection], "remoteControl/status/changed", status))
        return make_initialize_result(params)
