"""The models of an account, to which codex gives "code mode", asynchronous questions, sub-agents with names, and sleep."""

from __future__ import annotations

from tests.support.versions import Versions

NEWEST = "gpt-6.2-sol"
_MODELS = {NEWEST: Versions(since="0.171"), "gpt-6-astra": Versions("0.171")}
"""The versions of codex for which each is used. To an older codex the newest is an unknown model, without code mode."""

ACCOUNT_MODELS = tuple(_MODELS)


def account_model(version: str) -> str:
    """Return the model of an account that a version of codex knows (0.155 and newer)."""
    return next(model for model, versions in _MODELS.items() if version in versions)
