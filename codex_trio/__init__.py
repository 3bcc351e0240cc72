"""The Trio-native client for `codex app-server`."""

from ._client import CodexClient, NotificationStream, connect_codex_client, open_codex_client
from ._handlers import ApprovalStream, Tool, ToolImage, approve_all, decline_all, tool
from ._protocol.approvals import (
    Approval,
    CommandApproval,
    Decision,
    FileChange,
    FileChangeApproval,
    PermissionsApproval,
)
from ._protocol.questions import Elicitation, Question, QuestionOption, UserQuestion
from ._transports.stdio import StdioTransport
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
    "Approval",
    "ApprovalStream",
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
    "CommandApproval",
    "CompletionSource",
    "ConversationStep",
    "Decision",
    "Elicitation",
    "FileChange",
    "FileChangeApproval",
    "InitializeResult",
    "Notification",
    "NotificationStream",
    "PermissionsApproval",
    "Question",
    "QuestionOption",
    "Statistics",
    "StdioTransport",
    "StepStream",
    "Tool",
    "ToolImage",
    "Transport",
    "UserQuestion",
    "__version__",
    "approve_all",
    "connect_codex_client",
    "decline_all",
    "open_codex_client",
    "tool",
]
