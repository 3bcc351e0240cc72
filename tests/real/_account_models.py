"""Which models codex gives the tools of an account's models: "code mode", asynchronous questions, sleeping."""

from __future__ import annotations

from collections.abc import Mapping

NEWEST = "gpt-6.2-sol"
ACCOUNT_MODELS: Mapping[tuple[int, ...], str] = {(0, 171): NEWEST, (0, 155): "gpt-6-astra"}
"""By the version from which codex knows it, newest first. To an older codex it is an unknown model, without code mode."""


def account_model(version: tuple[int, ...]) -> str:
    """Return the model of an account that a version of codex knows."""
    return next(model for since, model in ACCOUNT_MODELS.items() if version >= since)
