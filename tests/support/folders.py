"""The folders of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TRACES = ROOT / "tests" / "traces"
