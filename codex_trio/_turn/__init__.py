"""One turn: its memory channel, inactivity, result and continuation; and the stream of its steps."""

from .failure import Failure
from .stream import StepStream
from .turn import Mode, ReadHistory, Turn

__all__ = ["Failure", "Mode", "ReadHistory", "StepStream", "Turn"]
