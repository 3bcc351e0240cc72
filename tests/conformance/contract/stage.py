"""Two stages for one script: the real binary with a scripted model, and the app-server in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import trio
from trio.testing import MockClock

from codex_trio import CodexClient, Transport, WebSocketTransport, open_codex_client
from codex_trio.testing import ScriptedAppServer, ScriptedModel, open_scripted_model
from tests.support.account_models import ACCOUNT_MODELS, NEWEST, account_model
from tests.support.normalized_traffic import Names
from tests.support.raw_client import HELLO, Message, RawClient
from tests.support.real_codex import version_under_test

PATIENCE = 60.0  # seconds for a case; what it takes is its own matter
AT_ONCE = 4  # cases that share the real server at a time

PLAN = {"mode": "plan", "settings": {"model": "scripted", "reasoning_effort": None, "developer_instructions": None}}
UNKNOWN = "01a2061e-99c0-74f0-b2d6-3710637b248c"
WRITE = {"sandbox": "workspace-write"}
NO = {"error": {"code": -32601, "message": "no"}}

FAKE_MODEL = "http://127.0.0.1/v1"


class Stage:
    """Where a case plays.

    Attributes:
        script: What the server does.
        cwd: Where its threads work.
        notes: What the case has seen by itself.
    """

    def __init__(
        self,
        script: ScriptedAppServer | ScriptedModel,
        make_transport: Callable[[], Transport],
        cwd: str,
        config: Message | None = None,
    ) -> None:
        self.script = script
        self.cwd = cwd
        self.notes: list[Any] = []
        self._make_transport = make_transport
        self._config = config or {}
        self._peers: list[RawClient] = []
        self._others: list[RawClient] = []
        self._by_thread: list[list[Message]] = []
        self._left_out: set[str] = set()
        self._tasks: trio.Nursery

    async def play(self, case: Case) -> None:
        """Play a case to its end, and let its clients go."""
        async with trio.open_nursery() as self._tasks:
            with trio.fail_after(PATIENCE):
                await case(self)
            for peer in self._peers + self._others:
                await peer.transport.aclose()

    async def connect(self, *, is_heard: bool = True, **capabilities: Any) -> RawClient:
        """Return a client that is connected and initialized; what it is told is compared unless `is_heard` is false."""
        peer = RawClient(self._make_transport())
        (self._peers if is_heard else self._others).append(peer)
        await peer.transport.open(self._tasks)
        await peer.result("initialize", **HELLO, capabilities={"experimentalApi": True, **capabilities})
        await peer.until("remoteControl/status/changed")
        return peer

    async def start_thread(self, peer: RawClient, **params: Any) -> str:
        """Start a thread. For the newest of an account's models an older server gets the one that it knows."""
        if params.get("model") == NEWEST and isinstance(self.script, ScriptedModel):
            params["model"] = account_model(version_under_test())
        config = {**self._config, **params.pop("config", {})}
        return await peer.start_thread(cwd=self.cwd, config=config, **params)

    async def stage(self, *steps: Any, **params: Any) -> tuple[RawClient, str]:
        """Return a client and a thread of its own, whose next turn does `steps`."""
        if steps:
            self.script.on_turn(*steps)
        peer = await self.connect()
        return peer, await self.start_thread(peer, **params)

    def client(self, **options: Any) -> CodexClient:
        return open_codex_client(self._make_transport(), experimental_api=True, **options)

    def options(self, **options: Any) -> dict[str, Any]:
        """Return options for a thread of `client`."""
        return {"cwd": self.cwd, "config": self._config, **options}

    def shell(self, command: str, output: str, exit_code: int) -> None:
        """Say what the user's own command does, where that is not to be seen."""
        if isinstance(self.script, ScriptedAppServer):
            self.script.on_shell(command, output=output, exit_code=exit_code)

    def note_by_thread(self, peer: RawClient, *thread_ids: str) -> None:
        """Note what a client was told of each thread, where the order of different threads means nothing."""
        for thread_id in thread_ids:
            own = [one for one in peer.seen if (one.get("params") or {}).get("threadId") == thread_id]
            self._by_thread.append(own)

    def note(self, what: Any) -> None:
        self.notes.append(what)

    def leave_out(self, *methods: str) -> None:
        """Do not compare the notifications of these methods in this case."""
        self._left_out.update(methods)

    def heard(self) -> list[list[Message]]:
        """Return what each of the peers was told, the news of other cases left out."""
        own = {thread_id for peer in self._peers for message in peer.seen if (thread_id := _opened(message))}
        heard = [[message for message in peer.seen if self._counts(message, own)] for peer in self._peers]
        return heard + self._by_thread

    def _counts(self, message: Message, thread_ids: set[str]) -> bool:
        return _concerns(message, thread_ids) and message.get("method") not in self._left_out


Case = Callable[[Stage], Awaitable[None]]


@dataclass
class Record:
    """What came of a case."""

    heard: list[list[Message]] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    error: BaseException | None = None

    def told(self, version: str) -> list[str]:
        """Return all of it in lines, to compare with a server of a version."""
        names = Names({**self.places, **dict.fromkeys(ACCOUNT_MODELS, "<account model>")}, version)
        lines: list[str] = []
        for number, messages in enumerate(self.heard, 1):
            lines += [f"to client {number}:", *names.told(messages)]
        return [*lines, "noted:", *map(names.line, self.notes)]


def play_on_the_fake(case: Case) -> Record:
    """Play a case on the app-server in memory, under the mock clock."""
    record = Record()

    async def main() -> None:
        async with trio.open_nursery() as turns:
            server = ScriptedAppServer(turns)
            stage = Stage(server, server.transport, "/project")
            await _play(case, stage, record, {"/project": "<cwd>", "/codex-home": "<home>"})
            turns.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return record


def play_on_the_real_server(cases: Iterable[Case], alone: Iterable[Case]) -> dict[Case, Record]:
    """Play cases on one real server that listens on a websocket, each with a model of its own.

    Args:
        cases: Some of them play at a time.
        alone: They change what all have in common, and play when the others have played.
    """
    together, apart = list(cases), list(alone)
    records = {case: Record() for case in together + apart}

    async def main() -> None:
        async with open_scripted_model() as home, home.listening() as url:
            free = trio.Semaphore(AT_ONCE)
            async with trio.open_nursery() as nursery:
                for case in together:
                    await free.acquire()  # here, so that they begin in this order: the longest is among the first
                    nursery.start_soon(play_and_release, case, home, url, free)
            for case in apart:
                await play(case, home, url)

    async def play_and_release(case: Case, home: ScriptedModel, url: str, free: trio.Semaphore) -> None:
        await play(case, home, url)
        free.release()

    async def play(case: Case, home: ScriptedModel, url: str) -> None:
        async with open_scripted_model() as model:
            with tempfile.TemporaryDirectory() as cwd:
                # Diffs tell paths from the nearest .git; the sandboxes of others put one beside this folder, for a while.
                await trio.Path(cwd, ".git").mkdir()
                config = {"model_providers.scripted.base_url": model.url}
                stage = Stage(model, lambda: WebSocketTransport(url, token=""), cwd, config)
                places = {cwd: "<cwd>", str(home.home): "<home>", model.url: FAKE_MODEL, home.url: FAKE_MODEL}
                await _play(case, stage, records[case], places)

    trio.run(main)
    return records


async def _play(case: Case, stage: Stage, record: Record, places: dict[str, str]) -> None:
    try:
        await stage.play(case)
    except Exception as error:
        record.error = error
    record.heard, record.notes, record.places = stage.heard(), stage.notes, places


def _opened(message: Message) -> str | None:
    """Return the id of the thread that a message brings into being, or into reach."""
    thread = (message.get("result") or {}).get("thread")
    return thread["id"] if isinstance(thread, dict) else None


def _concerns(message: Message, thread_ids: set[str]) -> bool:
    params = message.get("params") or {}
    thread_id = params.get("threadId") or (params.get("thread") or {}).get("id")
    return thread_id is None or thread_id in thread_ids


async def answer(peer: RawClient, method: str, **given: Any) -> Message:
    """Answer the next question of a method, and return it."""
    asked = (await peer.until(method))[-1]
    await peer.send({"id": asked["id"], **given})
    return asked


async def answer_turn(peer: RawClient, thread_id: str, method: str, *answers: Message, **params: Any) -> None:
    """Play a turn that asks something some times."""
    await peer.start_turn(thread_id, **params)
    for given in answers:
        await answer(peer, method, **given)
    await peer.until("turn/completed")


BEFORE_A_CANCEL = ("thread/tokenUsage/updated", "account/rateLimits/updated")
"""What a turn tells or does not tell before an answer cancels it, depending on which is faster."""


def decision(word: Any) -> Message:
    return {"result": {"decision": word}}
