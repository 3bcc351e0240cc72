"""The scripted model, for the real codex binary. Imported through `codex_trio.testing`."""
