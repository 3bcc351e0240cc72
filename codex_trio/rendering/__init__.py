"""Render turns with Rich: finished steps as panels, and a status line below them.

Import this module explicitly. It needs Rich, which the extra ``codex-trio[rich]`` installs. Text from the server is never
interpreted as Rich markup, and it cannot control the terminal.
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
