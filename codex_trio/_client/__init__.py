"""The public client."""
