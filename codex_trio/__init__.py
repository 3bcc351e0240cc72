"""The Trio-native client for `codex app-server`."""

import logging as _logging

from . import _redaction
from ._client import CodexClient, connect_codex_client, open_codex_client
from ._exec import ExecOutput, ExecProcess, ExecStdin
from ._login import ChatGPTLogin
from ._options import (
    ApprovalPolicy,
    ChatOptions,
    ReasoningSummary,
    ResumeOptions,
    SandboxMode,
    ThreadOptions,
    TurnOptions,
)
from ._paginator import Paginator
from ._server_requests.approvals import ApprovalRequest, PermissionsApprovalRequest
from ._server_requests.command_approvals import CommandApprovalRequest, NetworkApprovalContext, NetworkPolicyAmendment
from ._server_requests.decisions import Decision
from ._server_requests.file_changes import FileChange, FileChangeApprovalRequest
from ._server_requests.questions import ElicitationRequest, Question, QuestionOption, UserInputRequest
from ._server_requests.ready import approve_all, decline_all
from ._session.approval_queue import ApprovalStream
from ._session.notifications import NotificationStream
from ._streams import EventStream, StepStream
from ._thread import CodexThread, ItemsView, ReviewTarget
from ._tools import Tool, ToolImage, tool
from ._transports.stdio import StdioTransport
from ._transports.unix import UnixSocketTransport
from ._transports.websocket import WebSocketTransport
from ._version import TESTED_CODEX_VERSIONS, __version__
from .abc import Transport
from .errors import (
    CodexError,
    CodexOutputError,
    CodexProtocolError,
    CodexThreadBusyError,
    CodexThreadNotFoundError,
    CodexTimeoutError,
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
)
from .events import (
    CommandOutputDelta,
    DiffUpdated,
    Event,
    OtherEvent,
    PlanUpdated,
    ReasoningDelta,
    RetryScheduled,
    StepCompleted,
    StepStarted,
    TextDelta,
    TokenUsageUpdated,
    TurnCompleted,
)
from .inputs import Image, InputPart, Mention, Prompt, Skill
from .models import (
    AccountInfo,
    CancelResult,
    ChatContinuation,
    ChatResult,
    CompletionSource,
    ConversationStep,
    InitializeResult,
    ModelInfo,
    Notification,
    OpenItem,
    Statistics,
    ThreadInfo,
    TurnInfo,
)

_logging.getLogger("codex_trio").addFilter(_redaction.LogRedaction())

__all__ = [
    "TESTED_CODEX_VERSIONS",
    "AccountInfo",
    "ApprovalPolicy",
    "ApprovalRequest",
    "ApprovalStream",
    "CancelResult",
    "ChatContinuation",
    "ChatGPTLogin",
    "ChatOptions",
    "ChatResult",
    "CodexClient",
    "CodexError",
    "CodexOutputError",
    "CodexProtocolError",
    "CodexThread",
    "CodexThreadBusyError",
    "CodexThreadNotFoundError",
    "CodexTimeoutError",
    "CodexTransportError",
    "CodexTurnFailedError",
    "CodexTurnInactiveError",
    "CodexTurnInterruptedError",
    "CommandApprovalRequest",
    "CommandOutputDelta",
    "CompletionSource",
    "ConversationStep",
    "Decision",
    "DiffUpdated",
    "ElicitationRequest",
    "Event",
    "EventStream",
    "ExecOutput",
    "ExecProcess",
    "ExecStdin",
    "FileChange",
    "FileChangeApprovalRequest",
    "Image",
    "InitializeResult",
    "InputPart",
    "ItemsView",
    "Mention",
    "ModelInfo",
    "NetworkApprovalContext",
    "NetworkPolicyAmendment",
    "Notification",
    "NotificationStream",
    "OpenItem",
    "OtherEvent",
    "Paginator",
    "PermissionsApprovalRequest",
    "PlanUpdated",
    "Prompt",
    "Question",
    "QuestionOption",
    "ReasoningDelta",
    "ReasoningSummary",
    "ResumeOptions",
    "RetryScheduled",
    "ReviewTarget",
    "SandboxMode",
    "Skill",
    "Statistics",
    "StdioTransport",
    "StepCompleted",
    "StepStarted",
    "StepStream",
    "TextDelta",
    "ThreadInfo",
    "ThreadOptions",
    "TokenUsageUpdated",
    "Tool",
    "ToolImage",
    "Transport",
    "TurnCompleted",
    "TurnInfo",
    "TurnOptions",
    "UnixSocketTransport",
    "UserInputRequest",
    "WebSocketTransport",
    "__version__",
    "approve_all",
    "connect_codex_client",
    "decline_all",
    "open_codex_client",
    "tool",
]
