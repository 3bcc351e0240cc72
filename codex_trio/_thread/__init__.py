"""Threads: what can be done with one."""
