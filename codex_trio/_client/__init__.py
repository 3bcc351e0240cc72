"""The client: opening and closing, routing of events to turns, and what a user calls."""

from .client import CodexClient
from .notifications import NotificationStream
from .opening import connect_codex_client, open_codex_client

__all__ = ["CodexClient", "NotificationStream", "connect_codex_client", "open_codex_client"]
