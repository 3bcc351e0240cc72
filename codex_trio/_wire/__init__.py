"""The wire protocol without I/O: framing, messages, method names, and the state of a turn. Uses neither Trio nor a clock."""
