"""The protocol without I/O: bytes to lines to messages to turns. No trio, no clock."""
