"""What every test takes for granted of the process that it runs in."""

from __future__ import annotations

import signal

# A shell lets what it starts in the background ignore SIGINT, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
