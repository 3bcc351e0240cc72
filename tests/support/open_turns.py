"""Which threads of a client have an open turn."""

from __future__ import annotations

from codex_trio import CodexClient


def open_thread_ids(client: CodexClient) -> list[str]:
    session = client._session
    return [turn.thread_id for turn in session.registry.turns]
