"""Assign scripts to turns. Shared by the scripted app-server and the scripted model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from . import _script
from ._script import ScriptPart, say
from ._steps import Fail, Hang, Say, Step, Think, Wait

PromptTest: TypeAlias = Callable[[str], bool]
_Script: TypeAlias = Sequence[ScriptPart]


def opens_stream(script: Sequence[Step]) -> bool:
    """Whether the model's response stream starts with the first of these steps, even if it stays silent."""
    following = next((step for step in script if not isinstance(step, Wait)), None)
    fails_at_once = isinstance(following, Fail) and following.http_status is not None
    return not fails_at_once and isinstance(script[0], (Say, Think, Hang, Wait))


class ScriptedTurns:
    """The scripts of turns, by prompt or in order, with a default.

    A script is a sequence of steps and of functions that take the prompt and return steps. The functions are called when
    the turn starts.

    Input to a running turn (a steer) replaces the rest of its script with the next script.
    """

    def __init__(self) -> None:
        self._queue: deque[_Script] = deque()
        self._rules: list[tuple[PromptTest, _Script]] = []
        self._default: _Script = (say("ok"),)

    def on_turn(self, *steps: ScriptPart) -> None:
        """Script one turn. The next call scripts the next turn, on any thread.

        Raises:
            ValueError: This server cannot play a step, or not at this position.

        Example:
            ```python
            server.on_turn(think("hm"), say("done"))
            server.on_turn(lambda prompt: [say(prompt.upper())])
            ```
        """
        self._queue.append(self._checked(steps))

    def on_prompt(self, prompt: str | PromptTest, *steps: ScriptPart) -> None:
        """Script every turn with a matching prompt. This takes precedence over `on_turn`; the first match wins.

        Args:
            prompt: A part of the prompt, or a function that takes the prompt and returns whether it matches.
            steps: The script.

        Raises:
            TypeError: `prompt` is neither a str nor a function.
            ValueError: This server cannot play a step, or not at this position.

        Example:
            ``server.on_prompt("weather", say("It rains."))``
        """
        if not isinstance(prompt, str) and (not callable(prompt) or isinstance(prompt, Step)):
            raise TypeError(f"prompt must be a str or a function that takes the prompt, not {prompt!r}")
        test = (lambda text: prompt in text) if isinstance(prompt, str) else prompt
        self._rules.append((test, self._checked(steps)))

    def default(self, *steps: ScriptPart) -> None:
        """Script all other turns. The default is ``say("ok")``.

        Raises:
            ValueError: This server cannot play a step, or not at this position.

        Example:
            ``server.default(lambda prompt: [say(f"You said: {prompt}")])``
        """
        self._default = self._checked(steps)

    def _script_of(self, prompt: str) -> tuple[Step, ...]:
        """Return the script of a turn with this prompt, and remove it from the queue if it comes from there."""
        by_prompt = self._script_by_rule(prompt)
        if by_prompt is not None:
            return by_prompt
        return self._written_out(self._queue.popleft() if self._queue else self._default, prompt)

    def _script_of_agent(self, prompt: str) -> tuple[Step, ...]:
        """Return the script of a sub-agent's turn. It never comes from the queue: such turns start at any time."""
        by_prompt = self._script_by_rule(prompt)
        return self._written_out(self._default, prompt) if by_prompt is None else by_prompt

    def _script_by_rule(self, prompt: str) -> tuple[Step, ...] | None:
        """Return the script of the first rule that matches this prompt, or `None`."""
        found = next((script for test, script in self._rules if test(prompt)), None)
        return None if found is None else self._written_out(found, prompt)

    def _written_out(self, script: _Script, prompt: str) -> tuple[Step, ...]:
        steps = tuple(step for part in script for step in ((part,) if isinstance(part, Step) else part(prompt)))
        self._check(steps)
        return steps

    def _checked(self, script: _Script) -> _Script:
        for part in script:
            is_uncalled = getattr(part, "__module__", "") == _script.__name__  # `hang` instead of `hang()`
            if not isinstance(part, Step) and (is_uncalled or not callable(part)):
                raise TypeError(f"a script consists of steps, such as say('ok'), and functions, not {part!r}")
        self._check([part for part in script if isinstance(part, Step)])
        return script

    def _check(self, steps: Sequence[Step]) -> None:
        """Check that this server can play a script, when it is defined rather than when it is played.

        Raises:
            ValueError: This server cannot play a step, or not at this position.
        """
        raise NotImplementedError
