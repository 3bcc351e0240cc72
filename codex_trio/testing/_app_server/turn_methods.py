"""Methods of the scripted app-server that start, steer and end turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from .._schema_check import find_output_fault
from .._steps import SpawnAgent, Step
from .._wire_shapes import Message, RpcError, text_of
from .connection import ServerConnection
from .history import ServedThread, ServedTurn
from .items import check_input
from .lookup import loaded_thread
from .other_turns import ReviewPlayer, describe_review, play_compaction, play_shell, run_shell
from .state import Method, ServerState
from .turn_items import TurnItems
from .turn_player import TurnPlayer

ScriptOf: TypeAlias = Callable[[str], Sequence[Step]]
"""Returns the script of a turn with this prompt."""

_UNSTEERABLE = ("compact", "review")


class TurnMethods:
    """Handles the methods for turns.

    Attributes:
        methods: The methods by name.
    """

    def __init__(self, state: ServerState, script_of: ScriptOf, script_of_agent: ScriptOf) -> None:
        self._state = state
        self._script_of = script_of
        self._script_of_agent = script_of_agent
        self._players: dict[ServedTurn, TurnPlayer] = {}
        self.methods: dict[str, Method] = {
            "turn/start": self._start,
            "turn/steer": self._steer,
            "turn/interrupt": self._interrupt,
            "review/start": self._review,
            "thread/compact/start": self._compact,
            "thread/shellCommand": self._shell_command,
            "thread/backgroundTerminals/clean": self._clean_terminals,
            "thread/backgroundTerminals/list": self._list_terminals,
            "thread/backgroundTerminals/terminate": self._terminate_terminal,
        }

    def _start(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        check_input(params["input"])
        settings = thread.settings.for_turn(params)
        if thread.running is not None:
            if thread.running.kind in _UNSTEERABLE:
                what = f"ActiveTurnNotSteerable {{ turn_kind: {thread.running.kind.capitalize()} }}"
                raise RpcError(f"failed to submit turn input: {what}", code=-32603)
            self._add_input(thread.running, params)
            return {"turn": {**thread.running.to_wire("notLoaded"), "startedAt": None}}
        if settings != thread.settings:
            thread.settings = settings
            changed = {"threadId": thread.id, "threadSettings": settings.to_wire()}
            self._state.publish(thread, "thread/settings/updated", changed)
        steps = self._script_of(text_of(params["input"]))
        items = self._new_turn(connection, thread, steps, [params])
        items.turn.refusal = find_output_fault(params.get("outputSchema"))
        self._run_player(thread, items.turn, TurnPlayer(items, self._start_agent))
        return {"turn": items.turn.to_wire("notLoaded")}

    def _new_turn(
        self,
        connection: ServerConnection,
        thread: ServedThread,
        steps: Sequence[Step] = (),
        input_params: Sequence[Message] = (),
    ) -> TurnItems:
        turn_id = self._state.new_uuid()
        turn = ServedTurn(turn_id, thread.next_ordinal(), deque(steps), list(input_params), connection)
        return TurnItems(self._state, thread, turn)

    def _run(self, thread: ServedThread, turn: ServedTurn, play: Callable[[], Awaitable[object]]) -> None:
        if thread.running is not None:
            self._state.end_turn(thread, "interrupted")
        thread.turns.append(turn)
        thread.running = turn
        thread.is_stored = True
        self._state.spawn(turn.owner, play)

    def _run_player(self, thread: ServedThread, turn: ServedTurn, player: TurnPlayer) -> None:
        async def play() -> None:
            try:
                await player.play()
            finally:
                self._players.pop(turn).release()

        self._players[turn] = player
        self._run(thread, turn, play)

    def _start_agent(self, parent: TurnItems, step: SpawnAgent) -> tuple[ServedThread, ServedTurn]:
        """Start a sub-agent. All clients get its events and requests, even those not subscribed to the parent."""
        state, thread = self._state, parent.thread
        child = ServedThread(state.new_uuid(), state.now_ms(), state.originator, thread.settings, thread.tools)
        child.parent_id = thread.id
        state.threads[child.id] = child
        for connection in [client for client in state.connections if client.is_initialized]:
            connection.subscriptions.add(child.id)
        state.set_status(child, "idle")
        is_named = thread.settings.has_code_mode
        if is_named:
            child.agent_path = f"{thread.agent_path or '/root'}/{step.name}"
        # With the older tools, the task is a user's input. Otherwise it is a message without an item.
        content = [] if is_named else [{"type": "text", "text": step.prompt}]
        items = self._new_turn(parent.turn.owner, child, self._script_of_agent(step.prompt), [{"input": content}])
        items.turn.root_id = parent.turn.root_id or parent.turn.id
        self._run_player(child, items.turn, TurnPlayer(items, self._start_agent))
        return child, items.turn

    def _add_input(self, turn: ServedTurn, params: Message) -> None:
        if turn.kind == "shell":  # no script is used, because the model is not called
            turn.input_params.append(params)
            return
        steps = self._script_of(text_of(params["input"]))
        self._state.after_response(lambda: self._players[turn].steer(params, steps))

    def _steer(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        turn, expected = thread.running, params["expectedTurnId"]
        if turn is None:
            raise RpcError("no active turn to steer")
        if not params["input"]:
            raise RpcError("input must not be empty")
        if expected != turn.id:
            raise RpcError(f"expected active turn id `{expected}` but found `{turn.id}`")
        check_input(params["input"])
        if turn.kind in _UNSTEERABLE:
            raise RpcError(f"cannot steer a {turn.kind} turn")
        self._add_input(turn, params)
        return {"turnId": turn.id}

    def _interrupt(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        turn, wanted = thread.running, params["turnId"]
        if turn is not None and not turn.input_echoed and not wanted:
            turn.is_interrupt_due = True
            return {}
        if turn is None or not turn.input_echoed:
            if wanted:
                raise RpcError("no active turn to interrupt")
            return {}
        if wanted and wanted != turn.running_id:
            raise RpcError(f"expected active turn id {wanted} but found {turn.running_id}")
        if turn in self._players:
            self._players[turn].announce_interrupt()
        self._state.after_response(lambda: self._end(thread, turn))
        return {}

    def _end(self, thread: ServedThread, turn: ServedTurn) -> None:
        if thread.running is turn:
            self._state.end_turn(thread, "interrupted")

    def _review(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        if params.get("delivery", "inline") != "inline":
            raise RpcError(f"Invalid request: unknown variant `{params['delivery']}`, expected `inline`")
        title, prompt = describe_review(params["target"])
        thread.next_ordinal()  # for the separate turn of the model's items
        items = self._new_turn(connection, thread, self._script_of(prompt))
        turn = items.turn
        turn.kind, turn.running_id = "review", self._state.new_uuid()
        player = ReviewPlayer(items, self._start_agent, title, prompt)
        self._state.after_response(lambda: self._run_player(thread, turn, player))
        text = {"type": "text", "text": title, "text_elements": []}
        message = {"type": "userMessage", "id": turn.id, "clientId": None, "content": [text]}
        message |= {"startedAtMs": None, "completedAtMs": None}
        return {"turn": {**turn.to_wire("notLoaded", [message]), "rootTurnId": None}, "reviewThreadId": thread.id}

    def _compact(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        items = self._new_turn(connection, thread)
        items.turn.kind = "compact"
        self._state.after_response(lambda: self._run(thread, items.turn, lambda: play_compaction(items)))
        return {}

    def _shell_command(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        command = params["command"]
        if not command.strip():
            raise RpcError("command must not be empty")
        if thread.running is not None:
            items = TurnItems(self._state, thread, thread.running)
            self._state.after_response(lambda: self._state.spawn(connection, run_shell, items, command))
        else:
            items = self._new_turn(connection, thread)
            items.turn.kind = "shell"
            self._state.after_response(lambda: self._run(thread, items.turn, lambda: play_shell(items, command)))
        return {}

    def _clean_terminals(self, connection: ServerConnection, params: Message) -> Message:
        loaded_thread(self._state, params).end_terminals()
        return {}

    def _list_terminals(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        return {"data": [terminal.to_wire() for terminal in thread.terminals.values()], "nextCursor": None}

    def _terminate_terminal(self, connection: ServerConnection, params: Message) -> Message:
        thread = loaded_thread(self._state, params)
        wanted = params["processId"]
        found = [terminal for terminal in thread.terminals.values() if terminal.item["processId"] == wanted]
        for terminal in found:
            terminal.scope.cancel()
        return {"terminated": bool(found)}
