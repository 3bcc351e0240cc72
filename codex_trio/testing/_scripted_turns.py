"""Which script a turn gets: the part that both servers have in common."""

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
    """Whether the model begins to answer with the first of these steps, be it with silence."""
    following = next((step for step in script if not isinstance(step, Wait)), None)
    fails_at_once = isinstance(following, Fail) and following.http_status is not None
    return not fails_at_once and isinstance(script[0], (Say, Think, Hang, Wait))


class ScriptedTurns:
    """What turns do: by their prompt, by their order, or for want of any other script.

    A script is made of steps, and of functions of the prompt that return steps. The functions are called when a turn
    begins, in place.

    Input to a running turn begins anew, as the model does when it is steered: what the turn was still to do is dropped,
    and the next script is played in its place.
    """

    def __init__(self) -> None:
        self._queue: deque[_Script] = deque()
        self._rules: list[tuple[PromptTest, _Script]] = []
        self._default: _Script = (say("ok"),)

    def on_turn(self, *steps: ScriptPart) -> None:
        """Script one turn. The next call scripts the next turn, whatever thread it is in.

        Raises:
            ValueError: This server cannot play a step, or not in that place.

        Example:
            ```python
            server.on_turn(think("hm"), say("done"))
            server.on_turn(lambda prompt: [say(prompt.upper())])
            ```
        """
        self._queue.append(self._checked(steps))

    def on_prompt(self, prompt: str | PromptTest, *steps: ScriptPart) -> None:
        """Script every turn with a certain prompt. This comes before `on_turn`, and the first that fits wins.

        Args:
            prompt: A part of the prompt's text, or a function that is asked with the text.
            steps: What the turn does.

        Raises:
            ValueError: This server cannot play a step, or not in that place.

        Example:
            ``server.on_prompt("weather", say("It rains."))``
        """
        if not isinstance(prompt, str) and (not callable(prompt) or isinstance(prompt, Step)):
            raise TypeError(f"prompt must be a part of its text, or a function that is asked with it, not {prompt!r}")
        test = (lambda text: prompt in text) if isinstance(prompt, str) else prompt
        self._rules.append((test, self._checked(steps)))

    def default(self, *steps: ScriptPart) -> None:
        """Script the turns for which there is no other script. It is ``say("ok")`` unless told.

        Raises:
            ValueError: This server cannot play a step, or not in that place.

        Example:
            ``server.default(lambda prompt: [say(f"You said: {prompt}")])``
        """
        self._default = self._checked(steps)

    def _script_of(self, prompt: str) -> tuple[Step, ...]:
        """Return the script of what begins with a prompt, and take it from the queue if it is from there."""
        by_prompt = self._script_by_rule(prompt)
        if by_prompt is not None:
            return by_prompt
        return self._written_out(self._queue.popleft() if self._queue else self._default, prompt)

    def _script_of_agent(self, prompt: str) -> tuple[Step, ...]:
        """Return the script of a sub-agent's turn. It is never taken from the queue, because its start is unpredictable."""
        by_prompt = self._script_by_rule(prompt)
        return self._written_out(self._default, prompt) if by_prompt is None else by_prompt

    def _script_by_rule(self, prompt: str) -> tuple[Step, ...] | None:
        """Return the script that a rule has for this prompt; of several, the first."""
        found = next((script for test, script in self._rules if test(prompt)), None)
        return None if found is None else self._written_out(found, prompt)

    def _written_out(self, script: _Script, prompt: str) -> tuple[Step, ...]:
        steps = tuple(step for part in script for step in ((part,) if isinstance(part, Step) else part(prompt)))
        self._check(steps)
        return steps

    def _checked(self, script: _Script) -> _Script:
        for part in script:
            is_word = getattr(part, "__module__", "") == _script.__name__  # a word of scripts that was not called
            if not isinstance(part, Step) and (is_word or not callable(part)):
                raise TypeError(f"a script is made of steps, such as say('ok'), and of functions, not of {part!r}")
        self._check([part for part in script if isinstance(part, Step)])
        return script

    def _check(self, steps: Sequence[Step]) -> None:
        """Refuse what this server cannot play, where it is written and not where it is played.

        Raises:
            ValueError: It cannot play a step, or not in that place.
        """
        raise NotImplementedError
