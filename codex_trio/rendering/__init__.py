"""How a turn is drawn with Rich: its steps as panels, and below them one line that says what goes on.

Imported explicitly; it needs Rich, which the extra ``codex-trio[rich]`` brings. What the server says is shown as it is:
never taken for Rich's markup, and never able to steer the terminal.
"""

from ..text import clean_text

try:
    from ._steps import render_step
    from ._view import TurnView
except ModuleNotFoundError as exc:
    raise ImportError(
        f"codex_trio.rendering needs Rich ({exc.name} is not installed): pip install 'codex-trio[rich]'"
    ) from exc

__all__ = ["TurnView", "clean_text", "render_step"]
