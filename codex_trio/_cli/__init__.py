"""The command line, `python -m codex_trio`. Written against the public surface only."""

from .main import main

__all__ = ["main"]
