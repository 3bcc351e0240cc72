"""A temporary CODEX_HOME with a config that keeps the real codex binary offline, quiet and deterministic.

Never reads or writes the user's own CODEX_HOME.
"""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROVIDER = "scripted"


def parse_config(text: str) -> dict[str, Any]:
    """Read TOML text.

    Raises:
        ValueError: The text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"config is not valid TOML: {error}") from error


def make_home(base_url: str, settings: Mapping[str, Any]) -> Path:
    """Create a new home in the system's temporary folder, with a config that names one model provider.

    Args:
        base_url: The URL of the model, such as ``http://127.0.0.1:4000/v1``.
        settings: Config keys that are merged into the offline config, table by table.
    """
    home = Path(tempfile.mkdtemp(prefix="codex-home-"))
    config = dump_config(_merged(_offline_config(base_url), settings))
    (home / "config.toml").write_text(config, encoding="utf-8")
    return home


def remove_home(home: Path) -> None:
    """Delete a home. Ignores errors, because a codex that is still running may be writing there."""
    shutil.rmtree(home, ignore_errors=True)


def dump_config(config: Mapping[str, Any]) -> str:
    """Write TOML text, one line per top-level key, with tables inline."""
    return "".join(f"{json.dumps(key)} = {_dump_value(value)}\n" for key, value in config.items())


def _offline_config(base_url: str) -> dict[str, Any]:
    """Build a config with which codex connects only to the scripted model.

    As seen with 0.163 and 0.169: with plugins, starting a thread sends requests to github.com and chatgpt.com. A login
    shell and its snapshot add the user's profile, and its output, to each command. With unbounded connection retries,
    codex waits forever for a model that cannot be reached, where a test expects a failed turn.
    """
    return {
        "model": PROVIDER,
        "model_provider": PROVIDER,
        "allow_login_shell": False,
        "check_for_update_on_startup": False,
        "analytics": {"enabled": False},
        "features": {"plugins": False, "shell_snapshot": False, "unbounded_connection_retries": False},
        "model_providers": {
            PROVIDER: {
                "name": PROVIDER,
                "base_url": base_url,
                "wire_api": "responses",
                "request_max_retries": 0,
                "stream_max_retries": 0,
            }
        },
    }


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both_tables = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(old, value) if both_tables else value  # type: ignore[arg-type]
    return merged


def _dump_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_dump_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_dump_value, value)) + "]"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    # TOML does not support surrogate pairs, so non-ASCII text is not escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
