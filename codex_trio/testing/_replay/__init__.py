"""Replay of recorded traffic. Imported through `codex_trio.testing`."""
