"""Threads: their operations and history, and how what a user says becomes a turn."""

from .engine import Engine
from .options import (
    ApprovalPolicy,
    ChatOptions,
    ReasoningSummary,
    ResumeOptions,
    SandboxMode,
    ThreadOptions,
    TurnOptions,
)
from .pages import Paginator
from .thread import CodexThread, ItemsView
from .turns import ReviewTarget

__all__ = [
    "ApprovalPolicy",
    "ChatOptions",
    "CodexThread",
    "Engine",
    "ItemsView",
    "Paginator",
    "ReasoningSummary",
    "ResumeOptions",
    "ReviewTarget",
    "SandboxMode",
    "ThreadOptions",
    "TurnOptions",
]
