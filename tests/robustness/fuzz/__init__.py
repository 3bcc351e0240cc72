"""Coverage-guided fuzzing of the protocol side, for hours at a time; the recorded sessions are where it starts from.

Run by ``uv run --with atheris python -m tests.robustness.fuzz.messages``, from the root of the repository; pytest does not
run it.
"""
