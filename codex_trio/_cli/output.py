"""Which view a turn gets: drawn on a terminal where Rich is installed; else plain text, or JSON."""

from __future__ import annotations

import sys

from .arguments import is_terminal
from .view import PlainView, View


def make_view(*, as_json: bool = False) -> View:
    """Return what shows the next turn."""
    if as_json or not is_terminal(sys.stdout):
        return PlainView(as_json=as_json)
    try:
        from .drawn import DrawnView
    except ImportError:
        return PlainView()
    return DrawnView()
