"""What `codex_trio.rendering` puts on a console: steps as panels, and a turn with its line of what goes on."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from codex_trio import (
    CodexTransportError,
    CodexTurnFailedError,
    CodexTurnInactiveError,
    CodexTurnInterruptedError,
    ConversationStep,
    open_codex_client,
)
from codex_trio.rendering import TurnView, render_step
from codex_trio.testing import ScriptedAppServer, Step, drop_connection, fail, hang, raw, retry, run, say, think, wait


def step(item_type: str, **data: Any) -> ConversationStep:
    return ConversationStep.from_wire({"type": item_type, "id": "1", **data}, thread_id="t", turn_id="u")


def console_of(width: int = 80, *, is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    colours: Any = "standard" if is_terminal else "auto"
    return Console(file=file, width=width, force_terminal=is_terminal, color_system=colours), file


def drawn(step: ConversationStep, *, width: int = 60, show_data: bool = False) -> list[str]:
    """The lines of a panel, without its frame: title, body, outcome."""
    console, file = console_of(width)
    console.print(render_step(step, show_data=show_data))
    first, *body, last = file.getvalue().splitlines()
    assert all(line[0] == line[-1] == "│" for line in body)
    return [first.strip("╭╮─ "), *(line[2:-2].rstrip() for line in body), last.strip("╰╯─ ")]


# --- steps


def test_a_thought_and_a_message_are_markdown() -> None:
    assert drawn(step("reasoning", summary=["**Looking**", "I look."])) == ["thinking", "Looking", "", "I look.", ""]
    lines = drawn(step("agentMessage", text="It is `so`:\n\n- one\n- two"))
    assert lines == ["codex", "It is so:", "", " • one", " • two", ""]


@pytest.mark.smoke
def test_a_command_shows_what_the_shell_ran_its_output_and_how_it_came_out() -> None:
    lines = drawn(step("commandExecution", command="/bin/bash -lc 'ls -l'", aggregatedOutput="a\nb\n", exitCode=0))
    assert lines == ["exec", "$ ls -l", "a", "b", "exit 0"]
    lines = drawn(step("commandExecution", command="make", aggregatedOutput=None, exitCode=2, durationMs=61_000))
    assert lines == ["exec", "$ make", "exit 2 · 1 min 01 s"]
    assert drawn(step("commandExecution", command="rm it'", status="declined")) == ["exec", "$ rm it'", "declined"]


def test_a_file_change_shows_its_diff_and_the_content_of_a_new_file() -> None:
    changes = [
        {"path": "a.py", "kind": {"type": "update", "move_path": "b.py"}, "diff": "@@ -1 +1 @@\n-old\n+new\n"},
        {"path": "c.py", "kind": {"type": "add"}, "diff": "one\n\ntwo\n"},
        {"path": "d.py", "kind": {"type": "delete"}, "diff": "gone\n"},
    ]
    assert drawn(step("fileChange", changes=changes, status="completed")) == [
        *("file", "update a.py → b.py", "@@ -1 +1 @@", "-old", "+new"),
        *("add c.py", "+one", "+", "+two", "delete d.py", "-gone", ""),
    ]


def test_a_diff_is_coloured() -> None:
    console, file = console_of(is_terminal=True)
    console.print(render_step(step("fileChange", changes=[{"path": "a", "kind": "update", "diff": "-old\n+new"}])))
    assert "\x1b[31m-old\x1b[0m" in file.getvalue()
    assert "\x1b[32m+new\x1b[0m" in file.getvalue()


def test_a_tool_shows_its_arguments_and_its_result() -> None:
    content = [{"type": "inputText", "text": "open"}, {"type": "inputImage", "imageUrl": "data:..."}]
    ours = step("dynamicToolCall", tool="look", arguments={"id": "T-1"}, contentItems=content, status="completed")
    assert drawn(ours) == ["tool", 'look {"id": "T-1"}', "open", "(inputImage)", ""]
    told = {"content": [{"type": "text", "text": "yes"}]}
    assert drawn(step("mcpToolCall", server="s", tool="ask", arguments={}, result=told)) == ["tool", "s.ask", "yes", ""]
    failed = step("mcpToolCall", server="s", tool="ask", result=None, error={"message": "no"}, status="failed")
    assert drawn(failed) == ["tool", "s.ask", "no", "failed"]


def test_anything_else_comes_under_its_own_name() -> None:
    assert drawn(step("plan", text="1. Look")) == ["plan", "1. Look", ""]
    assert drawn(step("webSearch", query="doors", action=None)) == ["webSearch", "search the web: doors", ""]
    assert drawn(step("hologram", shape="a door")) == ["hologram", '{"shape": "a door"}', ""]
    assert drawn(step("hologram")) == ["hologram", "(nothing to show)", ""]


def test_a_question_that_codex_does_not_wait_for_is_markdown() -> None:
    asked = step("agentMessage", text="Which?\n- Red", delivery="async", questions=[{"title": "Which?"}])
    assert drawn(asked) == ["ask", "Which?", "", " • Red", ""]


def test_a_sub_agent_and_what_it_is_told_are_put_in_words() -> None:
    started = step("subAgentActivity", kind="started", agentThreadId="child", agentPath="/root/one")
    assert drawn(started) == ["subAgentActivity", "sub-agent /root/one started", ""]
    called = step("collabAgentToolCall", tool="spawnAgent", prompt="Count.", receiverThreadIds=[], status="completed")
    assert drawn(called) == ["collabAgentToolCall", "start a sub-agent: Count.", ""]


HIDDEN = {"moderation": {"moderated": True, "display": {"mode": "hide", "version": 1}}}


@pytest.mark.parametrize("show_data", [False, True])
def test_a_message_that_moderation_hides_is_not_shown(show_data: bool) -> None:
    lines = drawn(step("agentMessage", text="what must not be seen", **HIDDEN), show_data=show_data)
    assert lines[:2] == ["codex", "[message withheld by moderation]"]
    assert "seen" not in " ".join(lines)
    assert any("moderated" in line for line in lines) == show_data


def test_data_is_shown_when_it_is_asked_for() -> None:
    title, text, rule, *data, _ = drawn(step("agentMessage", text="hi"), show_data=True)
    assert (title, text, rule.strip("─ ")) == ("codex", "hi", "data")
    assert data == ['{"type": "agentMessage", "id": "1", "text": "hi"}']


def test_markup_and_tags_of_the_server_are_text() -> None:
    text = "[bold]no[/bold] :smile: [/]"
    assert drawn(step("commandExecution", command=text, aggregatedOutput=text))[1:3] == [f"$ {text}", text]
    assert drawn(step("[red]odd", text=text))[:2] == ["[red]odd", text]
    assert drawn(step("agentMessage", text=f"{text} List<str> <b>x</b>"))[1] == f"{text} List<str> <b>x</b>"


def test_a_link_shows_where_it_leads() -> None:
    console, file = console_of(is_terminal=True)
    console.print(render_step(step("agentMessage", text="[here](https://example.org/x)")))
    assert "\x1b]8" not in file.getvalue()
    assert "https://example.org/x" in file.getvalue()


def test_what_steers_a_terminal_is_made_visible_and_colours_of_an_output_are_left_out() -> None:
    evil = "a\x1b[31mred\x1b[0m\x1b]0;title\x07 b\x1b[2J\rc\x9b5n\u202ed\ud800e"
    assert drawn(step("commandExecution", command="x\x1b[8m", aggregatedOutput=evil))[1:4] == [
        "$ x<U+001B>[8m",
        "ared<U+001B>]0;title<U+0007> b<U+001B>[2J",
        "c<U+009B>5n<U+202E>d<U+D800>e",
    ]
    assert drawn(step("\x1b[2Jodd\n", text="x"))[0] == "<U+001B>[2Jodd<U+000A>"


def test_what_steers_a_terminal_is_made_visible_where_markdown_spells_it() -> None:
    text = "&#8238;a &rlm;b [c](<x&#8238;> 'y') <http://d/%1B[2J> `\u200be`"
    shown = "".join(drawn(step("agentMessage", text=text))[1:-1])
    assert shown.startswith("<U+202E>a <U+200F>b c (x%E2%80%AE) http://d/<U+001B>[2J")
    assert "<U+200B>e" in shown
    assert drawn(step("agentMessage", text="```\n\x1b[2J\n```"))[2].strip() == "<U+001B>[2J"
    assert drawn(step("agentMessage", text="\u26a0\ufe0f done"))[1] == "\u26a0\ufe0f done"


def test_a_file_that_is_moved_shows_its_target_cleaned() -> None:
    kind = {"type": "update", "move_path": "../.bashrc\x1b[8m"}
    assert drawn(step("fileChange", changes=[{"path": "a\n.md", "kind": kind, "diff": ""}]))[1] == (
        "update a<U+000A>.md → ../.bashrc<U+001B>[8m"
    )


def test_long_output_is_shortened_and_says_so() -> None:
    numbers = [str(number) for number in range(1, 101)]
    lines = drawn(step("commandExecution", command="seq 100", aggregatedOutput="\n".join(numbers)))
    assert lines[2:-1] == [*numbers[:16], "… 68 lines are not shown …", *numbers[-16:]]
    lines = drawn(step("commandExecution", command="seq 33", aggregatedOutput="\n".join(numbers[:33])))
    assert lines[2:-1] == numbers[:33]
    wide = drawn(step("commandExecution", command="x", aggregatedOutput="y" * 2_100))
    assert "".join(wide[2:-1]).replace(" ", "") == f"{'y' * 2_000}…100charactersarenotshown…"


def test_a_panel_is_never_wider_than_one_can_read() -> None:
    console, file = console_of(width=200)
    console.print(render_step(step("commandExecution", command="x", aggregatedOutput="y" * 300)))
    assert set(map(len, file.getvalue().splitlines())) == {120}


def test_a_message_is_never_shortened() -> None:
    numbers = [str(number) for number in range(200)]
    assert drawn(step("agentMessage", text="  \n".join(numbers)))[1:-1] == numbers


NAMES = st.sampled_from(
    ["commandExecution", "fileChange", "reasoning", "agentMessage", "mcpToolCall", "dynamicToolCall", "some/day"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *("text", "command", "aggregatedOutput", "exitCode", "status", "durationMs", "summary", "changes", "path"),
        *("kind", "move_path", "diff", "tool", "server", "arguments", "result", "content", "contentItems", "error"),
        "message",
    ]
)
ITEMS = st.recursive(
    st.dictionaries(FIELDS, JSON),
    lambda inner: st.dictionaries(FIELDS, inner | st.lists(inner, max_size=3), max_size=4),
    max_leaves=6,
)


calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])


@calm
@given(NAMES, ITEMS, st.integers(40, 200))
def test_whatever_comes_is_drawn_within_the_width_and_without_control_characters(
    item_type: str, item: dict[str, Any], width: int
) -> None:
    console, file = console_of(width)
    console.print(render_step(ConversationStep.from_wire({**item, "type": item_type}, thread_id="t", turn_id="u")))
    file.getvalue().encode()
    for line in file.getvalue().split("\n"):
        assert cell_len(line) <= width
        assert line.isprintable()


# --- a whole turn


def server_of(*steps: Step) -> ScriptedAppServer:
    server = ScriptedAppServer()
    server.on_turn(*steps)
    return server


async def test_into_a_file_goes_the_turn_without_control_codes(autojump_clock: trio.testing.MockClock) -> None:
    plan = [{"step": "look", "status": "completed"}, {"step": "[b]mend", "status": "inProgress"}, {"step": "test"}]
    server = server_of(
        think("hm"),
        raw(
            {"method": "turn/plan/updated", "params": {"threadId": "{thread_id}", "turnId": "{turn_id}", "plan": plan}}
        ),
        run("ls", output="a"),
        retry("Reconnecting... 1/2", details="[b]why"),
        wait(4.2),
        say("done"),
    )
    console, file = console_of(width=40)
    async with open_codex_client(server.transport()) as client:
        result = await TurnView(console).render(client.stream("go"))
    assert result.final_text == "done"
    lines = [line.strip("│╭╮╰╯─ ") for line in file.getvalue().splitlines()]
    assert [line for line in lines if line] == [
        *("thinking", "hm", "plan", "✓ look", "▶ [b]mend", "· test"),
        *("exec", "$ ls", "a", "exit 0", "retry", "Reconnecting... 1/2 [b]why", "codex", "done"),
        *("completed after 4.2 s · 30 tokens on", "this thread: 20 in (4 cached), 10 out"),
    ]


LINE_GONE = "\n\x1b[?25h\r\x1b[1A\x1b[2K"  # the cursor is shown again, at the beginning of an empty line
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def frames(written: str) -> list[str]:
    """The states of the line below on a terminal, without colours. It is drawn over itself, and never longer."""
    parts = re.split(r"\r\x1b\[2K", written)
    return [CONTROL.sub("", part.rpartition("\n")[2]) for part in parts]


def rests(frames: list[str]) -> list[str]:
    """What there is behind the turning sign."""
    return [frame[2:] for frame in frames]


async def test_on_a_terminal_a_line_says_how_long_it_has_been_and_what_runs(
    autojump_clock: trio.testing.MockClock,
) -> None:
    def started(item: dict[str, Any]) -> Any:
        return raw(
            {"method": "item/started", "params": {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}}
        )

    def delta(method: str, item_id: str, text: str) -> Any:
        params = {"threadId": "{thread_id}", "turnId": "{turn_id}", "itemId": item_id, "delta": text}
        return raw({"method": method, "params": params})

    server = server_of(
        wait(2),
        started({"type": "commandExecution", "id": "c", "command": "/bin/bash -lc 'make all'"}),
        wait(1),
        delta("item/commandExecution/outputDelta", "c", "looking\r\x1b[31mbuilding [b]the door\x1b[0m\n"),
        wait(70),
        started({"type": "sleep", "id": "s", "durationMs": 3000}),
        wait(1),
        raw(
            {
                "method": "item/completed",
                "params": {
                    "threadId": "{thread_id}",
                    "turnId": "{turn_id}",
                    "item": {"type": "sleep", "id": "s", "durationMs": 3000},
                },
            }
        ),
        started({"type": "agentMessage", "id": "m", "text": ""}),
        delta("item/agentMessage/delta", "m", "word " * 100 + "end"),
        wait(1),
    )
    console, file = console_of(width=50, is_terminal=True)
    async with open_codex_client(server.transport()) as client:
        await TurnView(console).render(client.stream("go"))
    shown = rests(frames(file.getvalue()))
    assert "0 s waiting for Codex" in shown
    assert "2 s exec make all" in shown
    assert "1 min 10 s exec make all  building [b]the door" in shown
    assert "1 min 13 s sleep for 3 s and 1 more" in shown
    ends = [frame for frame in shown if frame.startswith("1 min 14 s codex and 1 more")]
    assert ends
    assert all(frame.endswith("word word end") for frame in ends)
    assert max(map(len, frames(file.getvalue()))) <= 50
    assert set(CONTROL.findall(file.getvalue())) - {"\x1b[2K", "\x1b[1A", "\x1b[?25l", "\x1b[?25h"} == {
        code for code in CONTROL.findall(file.getvalue()) if code.endswith("m")
    }
    assert file.getvalue().endswith(LINE_GONE)


async def test_the_line_is_one_line_however_much_there_is_to_say(autojump_clock: trio.testing.MockClock) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    item = {"type": "commandExecution", "id": "c", "command": "make 门 " * 30}
    output = {**ids, "itemId": "c", "delta": "half of it\nall of it"}
    server = server_of(
        raw({"method": "item/started", "params": {**ids, "item": item}}),
        wait(1),
        raw({"method": "item/commandExecution/outputDelta", "params": output}),
        wait(1),
    )
    console, file = console_of(width=40, is_terminal=True)
    async with open_codex_client(server.transport()) as client:
        await TurnView(console).render(client.stream("go"))
    shown = frames(file.getvalue())
    assert max(map(cell_len, shown)) <= 40
    assert any(frame.startswith("0 s exec make 门 make 门 make") and frame.endswith("…") for frame in rests(shown))
    assert any(frame.startswith("1 s exec make 门 mak") and frame.endswith("…  all of it") for frame in rests(shown))


async def test_a_command_is_split_into_words_once_and_not_at_each_tick(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def split(command: str) -> list[str]:
        lengths.append(len(command))
        return ["bash", "-c", command]

    lengths: list[int] = []
    monkeypatch.setattr("shlex.split", split)
    for length in (400, 200_000):
        item = {"type": "commandExecution", "id": "c", "command": "x" * length}
        params = {"threadId": "{thread_id}", "turnId": "{turn_id}", "item": item}
        console, file = console_of(is_terminal=True)
        async with open_codex_client(
            server_of(raw({"method": "item/started", "params": params}), wait(5)).transport()
        ) as client:
            await TurnView(console).render(client.stream("go"))
        assert len([one for one in rests(frames(file.getvalue())) if "exec xxx" in one]) > 3
    assert lengths == [400]


@pytest.mark.parametrize("is_terminal", [False, True])
async def test_a_quiet_turn_is_taken_up_where_it_was(is_terminal: bool, autojump_clock: trio.testing.MockClock) -> None:
    console, file = console_of(is_terminal=is_terminal)
    async with open_codex_client(server_of(say("one"), wait(90), say("two")).transport()) as client:
        view = TurnView(console)
        with pytest.raises(CodexTurnInactiveError) as caught:
            await view.render(client.stream("go", inactivity_timeout=60))
        result = await view.render(client.stream(continuation=caught.value.continuation))
    assert result.final_text == "two"
    shown = CONTROL.sub("", file.getvalue())
    assert [shown.count(f"│ {word} ") for word in ("one", "two")] == [1, 1]
    assert "completed after 1 min 30 s" in shown


@pytest.mark.parametrize("is_terminal", [False, True])
async def test_what_an_interrupted_turn_had_begun_to_say_is_shown(
    is_terminal: bool, autojump_clock: trio.testing.MockClock
) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    half = raw({"method": "item/agentMessage/delta", "params": {**ids, "itemId": "m", "delta": "The answer is"}})
    console, file = console_of(is_terminal=is_terminal)
    async with open_codex_client(server_of(say("so far"), half, hang()).transport()) as client:
        thread = await client.start_thread()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def interrupt() -> None:
                await trio.sleep(5)
                await thread.interrupt()

            with pytest.raises(CodexTurnInterruptedError):
                await TurnView(console).render(thread.stream("go"))
    shown = CONTROL.sub("", file.getvalue())
    assert re.search(r"│ The answer is +│\n╰─+ cut off ─╯\n", shown)
    assert "interrupted after 5.0 s" in shown


async def test_a_message_that_moderation_hides_once_it_is_whole_is_replaced(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    item = {"type": "agentMessage", "id": "m", "text": "what must not be seen", "phase": "final_answer"}
    streamed = raw({"method": "item/agentMessage/delta", "params": {**ids, "itemId": "m", "delta": item["text"]}})
    whole = raw({"method": "item/completed", "params": {**ids, "item": {**item, **HIDDEN}}})
    console, file = console_of()
    async with open_codex_client(server_of(streamed, wait(1), whole, wait(1)).transport()) as client:
        result = await TurnView(console).render(client.stream("go"))
    assert (result.final_text, result.is_hidden) == (item["text"], True)
    assert result.display_text == "[message withheld by moderation]"
    assert "[message withheld by moderation]" in file.getvalue()
    assert "seen" not in file.getvalue()


async def test_a_message_that_is_hidden_from_the_start_is_not_in_the_line_below(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    item = {"type": "agentMessage", "id": "m", "text": "what must not be seen", "delivery": "async", **HIDDEN}
    began = raw({"method": "item/started", "params": {**ids, "item": item}})
    console, file = console_of(is_terminal=True)
    async with open_codex_client(server_of(began, wait(1)).transport()) as client:
        await TurnView(console).render(client.stream("go"))
    assert "withheld by moderation" in file.getvalue()
    assert "seen" not in file.getvalue()


@pytest.mark.parametrize("is_terminal", [False, True])
async def test_what_was_begun_when_the_connection_was_lost_is_shown_once(
    is_terminal: bool, autojump_clock: trio.testing.MockClock
) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    half = raw({"method": "item/agentMessage/delta", "params": {**ids, "itemId": "m", "delta": "The answer is"}})
    console, file = console_of(is_terminal=is_terminal)
    server, view = server_of(half, drop_connection()), TurnView(console)
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTransportError) as lost:
            await view.render(client.stream("go"))
    async with open_codex_client(server.transport()) as client:
        with pytest.raises(CodexTurnInterruptedError):  # a server of our own ends with its connection
            await view.render(client.stream(continuation=lost.value.continuation))
    shown = CONTROL.sub("", file.getvalue())
    assert len(re.findall(r"│ The answer is +│\n╰─+ cut off ─╯\n", shown)) == 1


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize(
    ("end", "error"), [(fail("ill"), CodexTurnFailedError), (drop_connection(), CodexTransportError)]
)
async def test_an_error_leaves_as_itself(
    is_terminal: bool, end: Step, error: type[Exception], autojump_clock: trio.testing.MockClock
) -> None:
    console, file = console_of(is_terminal=is_terminal)
    async with open_codex_client(server_of(say("so far"), end).transport()) as client:
        with pytest.raises(error):
            await TurnView(console).render(client.stream("go"))
    shown = CONTROL.sub("", file.getvalue())
    assert "│ so far" in shown
    assert ("failed after 0.0 s" in shown) == (error is CodexTurnFailedError)


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("silence", [5, 1])
async def test_nothing_is_drawn_while_somebody_is_asked(
    silence: int, is_terminal: bool, autojump_clock: trio.testing.MockClock
) -> None:
    console, file = console_of(is_terminal=is_terminal)
    view = TurnView(console)
    server = server_of(say("first"), wait(silence), say("done"), wait(1))
    async with open_codex_client(server.transport()) as client, trio.open_nursery() as nursery:
        nursery.start_soon(view.render, client.stream("go"))
        await trio.sleep(0.55)
        with view.paused():
            before = file.getvalue()
            await trio.sleep(2.5)
            assert file.getvalue() == before
    assert "first" in before
    assert before.endswith(LINE_GONE) is is_terminal
    after = file.getvalue().removeprefix(before)
    assert "done" in after
    assert ("3 s waiting for Codex" in rests(frames(after))) is is_terminal
    assert after.endswith(LINE_GONE) is is_terminal
    with view.paused():  # where nothing is drawn, nothing is taken away
        assert file.getvalue() == before + after


async def test_a_pause_may_outlive_the_turn(autojump_clock: trio.testing.MockClock) -> None:
    console, file = console_of(is_terminal=True)
    view = TurnView(console)
    async with open_codex_client(server_of(hang()).transport()) as client:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(view.render, client.stream("go"))
                await trio.sleep(0.55)
                with view.paused():
                    scope.cancel()
                    with trio.CancelScope(shield=True):
                        await trio.sleep(1)
        assert file.getvalue().endswith(LINE_GONE)


async def test_a_cancelled_drawing_stops_the_turn(autojump_clock: trio.testing.MockClock) -> None:
    console, file = console_of(is_terminal=True)
    async with open_codex_client(server_of(hang()).transport()) as client:
        with trio.move_on_after(3) as scope:
            await TurnView(console).render(client.stream("go"))
        await trio.testing.wait_all_tasks_blocked()
        assert client.statistics().open_turns == 0
    assert scope.cancelled_caught
    assert file.getvalue().endswith(LINE_GONE)


async def test_what_is_said_anew_after_a_retry_is_not_shown_twice(autojump_clock: trio.testing.MockClock) -> None:
    ids = {"threadId": "{thread_id}", "turnId": "{turn_id}"}
    half = raw({"method": "item/agentMessage/delta", "params": {**ids, "itemId": "m", "delta": "The answer is"}})
    console, file = console_of()
    async with open_codex_client(server_of(half, retry(), say("The answer is 4."), fail("ill")).transport()) as client:
        with pytest.raises(CodexTurnFailedError):
            await TurnView(console).render(client.stream("go"))
    assert file.getvalue().count("The answer is") == 1


async def test_a_terminal_that_can_erase_nothing_is_treated_as_a_file(autojump_clock: trio.testing.MockClock) -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system=None, _environ={"TERM": "dumb"})
    async with open_codex_client(server_of(wait(1), say("done")).transport()) as client:
        await TurnView(console).render(client.stream("go"))
    assert "\x1b" not in file.getvalue()
    assert "waiting for Codex" not in file.getvalue()


def test_ctrl_c_while_the_line_is_drawn_leaves_as_itself() -> None:
    class Impatient(Console):
        def print(self, *args: Any, **kwargs: Any) -> None:
            if trio.lowlevel.current_task().name.endswith("_keep_fresh"):
                signal.raise_signal(signal.SIGINT)
            super().print(*args, **kwargs)

    async def main() -> None:
        console = Impatient(file=io.StringIO(), force_terminal=True)
        async with open_codex_client(server_of(hang()).transport()) as client:
            await TurnView(console).render(client.stream("go"))

    with pytest.raises(KeyboardInterrupt):
        trio.run(main)


async def test_a_stream_that_was_read_before_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    async with open_codex_client(server_of(say("ok")).transport()) as client:
        events = client.stream("go")
        _ = [event async for event in events]
        with pytest.raises(ValueError, match="had ended before"):
            await TurnView(console_of()[0]).render(events)


async def test_secret_thoughts_leave_no_empty_panel(autojump_clock: trio.testing.MockClock) -> None:
    for show_data in (False, True):
        console, file = console_of()
        async with open_codex_client(server_of(think(""), say("done")).transport()) as client:
            await TurnView(console, show_data=show_data).render(client.stream("go"))
        assert ("thinking" in file.getvalue()) == show_data


# --- without Rich


def test_without_rich_it_says_how_to_get_it() -> None:
    program = "import sys; sys.modules['rich'] = None; import codex_trio, codex_trio.testing, codex_trio.rendering"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1].startswith("ImportError: codex_trio.rendering needs Rich (rich")
    assert ran.stderr.splitlines()[-1].endswith("is not installed): pip install 'codex-trio[rich]'")
