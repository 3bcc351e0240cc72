"""Everything that runs behind an open client. Knows no public class above it."""
