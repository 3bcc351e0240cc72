"""The client: opening and closing, routing of events to turns, and what a user calls."""

from .account import ChatGPTLogin
from .client import CodexClient
from .notifications import NotificationStream
from .opening import connect_codex_client, open_codex_client
from .processes import ExecOutput, ExecProcess, ExecStdin

__all__ = [
    "ChatGPTLogin",
    "CodexClient",
    "ExecOutput",
    "ExecProcess",
    "ExecStdin",
    "NotificationStream",
    "connect_codex_client",
    "open_codex_client",
]
