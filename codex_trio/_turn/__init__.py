"""One turn: its memory channel, inactivity, result and continuation; and the stream of its steps."""

from .stream import StepStream
from .turn import Mode, ReadHistory, Turn

__all__ = ["Mode", "ReadHistory", "StepStream", "Turn"]
