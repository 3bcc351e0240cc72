"""Whether a client is after hours what it was after a minute: turns, openings, crowds, and a soak in whatever goes wrong.

Run by ``python -m tests.benchmarks.endurance``, from the root of the repository; its short form is a part of the tests.
"""
