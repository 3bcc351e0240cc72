"""What an event costs: this client, bare Trio programs, and other clients, against a server that is never the bottleneck.

Run by ``python -m tests.benchmarks``, from the root of the repository; no part of the test run.
"""
