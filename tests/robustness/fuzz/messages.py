"""Feed lines of any shape to `tests/support/line_consumer.py`, which does what a client does with them, and must not raise.

Arguments are libFuzzer's: ``-max_total_time=600``, or a file with an input that failed. What it finds worth keeping goes to
``corpus`` in a folder of the system's temporary one, unless another folder is given, and is where the next run starts from.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

atheris: Any = importlib.import_module("atheris")  # which only `--with atheris` brings

with atheris.instrument_imports(include=["codex_trio"]):
    from tests.support.folders import TRACES
    from tests.support.line_consumer import consume_lines
    from tests.support.mutations import PIECES, Slip, recorded_lines, tokens

_LONGEST = 8_000  # bytes of an input; a line of a session is a few hundred
_TOGETHER = 3  # lines of a session in one input


def _take(data: bytes) -> None:
    consume_lines(data.split(b"\n"))


def _mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Put one key or value in the place of another, so that JSON stays JSON; or do what libFuzzer does."""
    random = Random(seed)
    is_key = random.random() < 0.2
    if random.random() < 0.3 or not (found := tokens(data, is_key=is_key)):
        return bytes(atheris.Mutate(data, longest))
    pieces = [one[0] for one in found] + ([] if is_key else PIECES)
    slip = Slip("key" if is_key else "value", random.random(), 0, random.choice(pieces))
    return slip.apply(data)[:longest]


def _seed(folder: Path) -> None:
    """Write the recorded sessions into a folder, a few lines at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in TRACES.glob("*.jsonl"):
        lines = recorded_lines(path.stem)
        for number in range(0, len(lines), _TOGETHER):
            data = b"\n".join(lines[number : number + _TOGETHER])
            if len(data) <= _LONGEST:
                folder.joinpath(f"{path.stem}-{number}").write_bytes(data)


def main() -> None:
    """Fuzz until told to stop, or until something raises."""
    given = [one for one in sys.argv[1:] if not one.startswith("-")]
    if not given:
        folder = Path(tempfile.gettempdir()) / "codex_trio-fuzz"
        _seed(folder / "seeds")
        (folder / "corpus").mkdir(exist_ok=True)
        given = [str(folder / "corpus"), str(folder / "seeds")]
    options = [one for one in sys.argv[1:] if one.startswith("-")]
    atheris.Setup([sys.argv[0], f"-max_len={_LONGEST}", *options, *given], _take, custom_mutator=_mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
