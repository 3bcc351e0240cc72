"""Server requests to the user's functions and tools. Refuses unless one of them grants.

It is ``async (method, params) -> result``, and sees no connection.
"""

from .dispatch import Answer, ApprovalHandler, AskOptions, ElicitationHandler, Handlers, QuestionHandler, RequestHandler
from .pull import ApprovalStream
from .ready import approve_all, decline_all
from .tools import Tool, ToolImage, tool

__all__ = [
    "Answer",
    "ApprovalHandler",
    "ApprovalStream",
    "AskOptions",
    "ElicitationHandler",
    "Handlers",
    "QuestionHandler",
    "RequestHandler",
    "Tool",
    "ToolImage",
    "approve_all",
    "decline_all",
    "tool",
]
