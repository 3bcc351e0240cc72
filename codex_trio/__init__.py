"""The Trio-native client for `codex app-server`."""

from ._client import CodexClient, NotificationStream, connect_codex_client, open_codex_client
from ._transports.stdio import StdioTransport
from ._transports.unix import UnixSocketTransport
from ._transports.websocket import WebSocketTransport
from ._turn import StepStream
from ._version import __version__
from .abc import Transport
from .errors import (
    CodexError,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
)
from .models import (
    CancelResult,
    ChatContinuation,
    ChatResult,
    CompletionSource,
    ConversationStep,
    InitializeResult,
    Notification,
    Statistics,
)

__all__ = [
    "CancelResult",
    "ChatContinuation",
    "ChatResult",
    "CodexClient",
    "CodexError",
    "CodexProtocolError",
    "CodexThreadBusyError",
    "CodexThreadNotFoundError",
    "CodexTimeoutError",
    "CodexTransportError",
    "CodexTurnFailedError",
    "CodexTurnInactiveError",
    "CodexTurnInterruptedError",
    "CompletionSource",
    "ConversationStep",
    "InitializeResult",
    "Notification",
    "NotificationStream",
    "Statistics",
    "StdioTransport",
    "StepStream",
    "Transport",
    "UnixSocketTransport",
    "WebSocketTransport",
    "__version__",
    "connect_codex_client",
    "open_codex_client",
]
