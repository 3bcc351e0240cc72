"""The scripted app-server, in memory. Imported through `codex_trio.testing`."""
