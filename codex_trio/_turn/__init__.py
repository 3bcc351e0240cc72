"""One turn: its memory channel, inactivity, result and continuation; and the stream of its steps."""

from .failure import Failure
from .held import Held
from .request import TurnRequest, is_shell, is_start
from .stream import EventStream, StepStream
from .turn import Mode, ReadHistory, Turn

__all__ = [
    "EventStream",
    "Failure",
    "Held",
    "Mode",
    "ReadHistory",
    "StepStream",
    "Turn",
    "TurnRequest",
    "is_shell",
    "is_start",
]
