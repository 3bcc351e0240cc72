"""Make untrusted text safe to show on a terminal, in a prompt or in a log.

Text from a model, a server, a command or a file may contain escape sequences, invisible characters and forged lines. This
module makes them visible. It needs no Rich and prints nothing.
"""

from __future__ import annotations

import functools
import re
import unicodedata

__all__ = ["cell_width", "clean_text", "fold_line", "plain_output"]

_MAX_MARKS = 4  # combining marks on one character; languages need fewer
_SUSPICIOUS = re.compile(r"[^ -~]+|<(?=U\+)")  # everything except plain ASCII, and `<U+`, which starts a replacement
_STYLE = re.compile("(?:\x1b\\[|\x9b)[0-9;:]*m")
_TAB = 8  # columns between two tab stops

# Invisible or blank characters that `str.isprintable` accepts, because Unicode counts them as letters, marks or symbols.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u2d7f\u303f\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001107f\U00013441\U00013442\U00016fe4\U0001bc9d\U0001bc9e\U0001d159\U000e0000-\U000e0fff]"
)
_EMOJI_STYLE, _JOINER = "\ufe0f", "\u200d"


def clean_text(text: str, *, indent: str | None = None, keep_emoji: bool = False) -> str:
    r"""Replace characters that could control a terminal, be invisible, or reorder text by numbers, as in ``<U+001B>``.

    That applies to control characters (escape sequences start with one), line breaks of every kind, tabs, bidirectional
    controls, invisible characters, unusual spaces, more than four combining marks in a row, lone surrogates, and code
    points that are private or unknown to Python. All other characters stay. Different texts stay different: ``<U+`` in
    the text itself becomes ``<U+003C>U+``.

    Right-to-left letters stay, and some terminals reorder a line that contains them.

    Args:
        text: Untrusted text.
        indent: Text before each line after the first. With `indent`, line feeds and tabs are kept, and further lines
            cannot be mistaken for your program's own. With `None`, the result is a single line.
        keep_emoji: Keep the invisible parts of emoji: one variation selector or joiner after a symbol. For prose; not for
            anything that a person is asked to approve.

    Example:
        ``print(f"[{step.step_type}] {clean_text(step.text, indent='    ')}")``
    """
    kept = "" if indent is None else "\n\t"

    def show(match: re.Match[str]) -> str:
        run = match.group()
        if run == "<":
            return _escape("<")
        return _escape_run(run, match.string[match.start() - 1 : match.start()], kept, keep_emoji=keep_emoji)

    cleaned = _SUSPICIOUS.sub(show, text)
    return cleaned.replace("\n", f"\n{indent}") if indent else cleaned


def plain_output(text: str) -> str:
    r"""Remove colours from the output of a command, and put each state of a progress bar on a separate line.

    Call it before `clean_text`, which would spell out these escape sequences and carriage returns. Other escape sequences
    are left to `clean_text`.

    Example:
        ``clean_text(plain_output(step.data["aggregatedOutput"]), indent="    ")``
    """
    return _STYLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def cell_width(text: str) -> int:
    """Return the largest number of columns that a text takes on any terminal: one or two for each character.

    Terminals differ, for example in how wide they draw ``…``. Text that fits by this measure fits everywhere.

    Args:
        text: One line of cleaned text.

    Example:
        ``assert cell_width("漢字") == 4``
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def fold_line(line: str, columns: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a line into rows of at most `columns` columns, and expand its tabs.

    A terminal continues a longer line at its left edge, where it can be mistaken for one of your own lines. A row is longer
    than `columns` only if there is not even room for one character.

    Args:
        line: One line of cleaned text.
        columns: One less than the terminal has, because some terminals start a new row once the last column is written.
        first: Prefix of the first row.
        rest: Prefix of the other rows.

    Example:
        ``print(*fold_line(clean_text(name), 79, first="  | ", rest="  : "), sep="\\n")``
    """
    room, further_room = max(1, columns - cell_width(first)), max(1, columns - cell_width(rest))
    if len(line) <= room and "\t" not in line and cell_width(line) <= room:  # fast, because there may be 100,000 lines
        return [f"{first}{line}"]
    if line.isascii() and "\t" not in line:  # fast, because an untrusted line may be megabytes long
        starts = range(room, len(line), further_room)
        return [f"{first}{line[:room]}", *(f"{rest}{line[start : start + further_room]}" for start in starts)]
    rows: list[str] = []
    row, width = "", 0
    for piece in _pieces(line):
        needed = _TAB - width % _TAB if piece == "\t" else cell_width(piece)
        if width + needed > room and row:
            rows.append(row)
            row, width, room = "", 0, further_room
        row += " " * min(needed, room) if piece == "\t" else piece
        width += needed
    return [f"{rest if number else first}{row}" for number, row in enumerate([*rows, row])]


def _pieces(line: str) -> list[str]:
    """Split a line into characters, each with its combining marks."""
    pieces: list[str] = []
    for character in line:
        if pieces and not character.isascii() and _is_mark(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


@functools.lru_cache(4_096)  # the same few characters come again and again
def _columns(character: str) -> int:
    if character.isascii():
        return 1
    # "Ambiguous" characters are wide on terminals set up for East Asian languages; most pictographs are wide everywhere.
    # Some symbols and numbers are wide on terminals that know a newer Unicode than this Python.
    is_wide = unicodedata.east_asian_width(character) in "WFA"
    return 2 if is_wide or character >= "\U0001f000" or unicodedata.category(character) in ("So", "No") else 1


def _escape_run(run: str, before: str, kept: str, *, keep_emoji: bool) -> str:
    """Spell out the unsafe characters of a run of non-ASCII and control characters.

    Args:
        run: The run.
        before: The character in front of it; empty at the start of the text.
        kept: Control characters to keep.
        keep_emoji: As in `clean_text`.
    """
    if run.isprintable() and not _INVISIBLE.search(run) and not any(map(_is_mark, run)):
        return run
    parts: list[str] = []
    base = "" if before in ("", " ") else before  # the character that a combining mark would be drawn on
    marks = 0
    for character in run:
        is_mark = _is_mark(character)
        if character in kept:
            parts.append(character)
            base = ""
        elif keep_emoji and _completes_emoji(character, base):
            parts.append(character)
            base = character
        elif (
            not character.isprintable()
            or _INVISIBLE.match(character)
            or (is_mark and (not base or marks >= _MAX_MARKS))
        ):
            parts.append(_escape(character))
            base = "" if not is_mark else base
        else:
            parts.append(character)
            marks = marks + 1 if is_mark else 0
            base = base if is_mark else character
    return "".join(parts)


@functools.lru_cache(4_096)
def _is_mark(character: str) -> bool:
    """Whether a character is drawn on the one before it: a combining mark, or a later letter of a Korean syllable."""
    return (
        unicodedata.category(character) in ("Mn", "Me")
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
    )


def _completes_emoji(character: str, base: str) -> bool:
    if base == _EMOJI_STYLE:
        return character == _JOINER
    return character in (_EMOJI_STYLE, _JOINER) and base != "" and unicodedata.category(base) in ("So", "Sk")


def _escape(character: str) -> str:
    return f"<U+{ord(character):04X}>"
