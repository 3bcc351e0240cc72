"""What the readers of turns were told, and whether that is what the server knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from codex_trio import ChatContinuation, ConversationStep

TERMINAL = ("completed", "failed", "interrupted")


@dataclass
class Fate:
    """One turn, as its reader saw it.

    Attributes:
        ends: How it ended, each time that its reader was told so.
        is_left: The reader went away before the end, or never learned of a turn.
        continuation: Where the reader stopped waiting, if nobody has waited on.
    """

    kind: str
    thread_id: str = ""
    turn_id: str = ""
    steps: list[ConversationStep] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    is_left: bool = False
    continuation: ChatContinuation | None = None

    def note(self, thread_id: str | None, turn_id: str | None) -> None:
        """Take the ids; they must be those that were told before."""
        if thread_id is not None and turn_id is not None:
            assert (self.thread_id, self.turn_id) in (("", ""), (thread_id, turn_id)), (
                f"another turn: {turn_id}, {self}"
            )
            self.thread_id, self.turn_id = thread_id, turn_id


@dataclass(frozen=True)
class KnownTurn:
    """One turn, as the server has it.

    Attributes:
        item_ids: Its completed items but for the user's messages, in order.
    """

    status: str
    item_ids: Sequence[str]


Truth = Callable[[str], Awaitable[Mapping[str, KnownTurn]]]
"""Returns the turns of a thread."""


class Fates:
    """All turns of one soak."""

    def __init__(self) -> None:
        self.all: list[Fate] = []
        self.events: Counter[str] = Counter()  # whatever else happened, for the record

    def begin(self, kind: str) -> Fate:
        """Return a new one."""
        fate = Fate(kind)
        self.all.append(fate)
        return fate

    async def check(self, truth: Truth, *, may_run_on: bool) -> None:
        """Fail unless each turn ended once, as the server says, with each of its steps delivered once.

        Args:
            truth: What the server says.
            may_run_on: Turns that were left may be running: the connection was lost for good, and their interrupt with it.
        """
        threads = {fate.thread_id: await truth(fate.thread_id) for fate in self.all if fate.thread_id}
        for fate in self.all:
            assert len(fate.ends) == 1 or (fate.is_left and not fate.ends), f"it did not end once: {fate}"
            ids = [step.item_id for step in fate.steps]
            assert len(ids) == len(set(ids)), f"a step came twice: {fate}"
            if fate.turn_id:
                self._check_known(fate, threads[fate.thread_id].get(fate.turn_id))
        running = [id_ for turns in threads.values() for id_, known in turns.items() if known.status not in TERMINAL]
        assert may_run_on or not running, f"turns run on: {running}"

    def _check_known(self, fate: Fate, known: KnownTurn | None) -> None:
        assert known is not None, f"the server does not know it: {fate}"
        if fate.is_left:
            return
        assert fate.ends == [known.status], f"the server says {known.status}: {fate}"
        if known.status == "completed":
            # What was declined may be missing from the history, so there it is one of the other items.
            delivered = {step.item_id: None for step in fate.steps}
            missing = [one for one in known.item_ids if one not in delivered]
            assert not missing, f"steps were not delivered: {missing} of {known}, {fate}"
            told = [one for one in delivered if one in set(known.item_ids)]
            assert told == list(known.item_ids), f"steps came in another order: {known}, {fate}"

    def __str__(self) -> str:
        ends = Counter("left" if fate.is_left else fate.ends[0] for fate in self.all)
        steps = sum(len(fate.steps) for fate in self.all)
        return f"{len(self.all)} turns ({_listed(ends)}), {steps} steps, {_listed(self.events)}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
