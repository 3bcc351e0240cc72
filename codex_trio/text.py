"""Make text of others fit for a terminal, a prompt or a log: nothing in it steers, hides or forges anything.

What a model, a server, a command or a file says is hostile text. This module needs no Rich and prints nothing.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["cell_width", "clean_text", "fold_line", "plain_output"]

_MOST_MARKS = 4  # combining marks on one character: more than any language puts there
_ODD = re.compile(r"[^ -~]+|<(?=U\+)")  # what is to be looked at more closely
_STYLE = re.compile("(?:\x1b\\[|\x9b)[0-9;:]*m")
_TAB = 8  # columns between two tab stops

# Characters that are invisible, or as blank as a space, although Unicode counts them as letters, marks or symbols.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u2d7f\u303f\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U0001107f\U00013441\U00013442\U00016fe4\U0001bc9d\U0001bc9e\U0001d159\U000e0000-\U000e0fff]"
)
_EMOJI_STYLE, _JOINER = "\ufe0f", "\u200d"


def clean_text(text: str, *, indent: str | None = None, keep_emoji: bool = False) -> str:
    r"""Make everything visible that steers a terminal, hides, or changes the order of what is written.

    Control characters (escape sequences begin with one), line ends of every kind, tabs, bidirectional controls,
    invisible characters, spaces other than the space, piles of combining marks, halves of surrogate pairs, and
    characters that Python does not know yet become ``<U+001B>``, with their number. All else stays as it is, and so two
    different texts never become the same: where the text itself has ``<U+``, that becomes ``<U+003C>U+``.

    Letters that are written from right to left stay: some terminals show a line of them in another order.

    Args:
        text: The text of others.
        indent: What each line after the first begins with. With it, line feeds and tabs stay, and a text of several
            lines cannot pass for lines of your own. Without it the result is one line.
        keep_emoji: Let the invisible parts of emoji stay: one variation selector or joiner behind a symbol. For prose, and
            never for what a person decides about.

    Example:
        ``print(f"[{step.step_type}] {clean_text(step.text, indent='    ')}")``
    """
    kept = "" if indent is None else "\n\t"

    def show(found: re.Match[str]) -> str:
        run = found.group()
        if run == "<":
            return _spelt("<")
        return _shown(run, found.string[found.start() - 1 : found.start()], kept, keep_emoji=keep_emoji)

    cleaned = _ODD.sub(show, text)
    return cleaned.replace("\n", f"\n{indent}") if indent else cleaned


def plain_output(text: str) -> str:
    r"""Return the output of a command as lines: without colours, and with a line for each state of a progress bar.

    To be used before `clean_text`, which would show the colours' escape sequences and the carriage returns.

    Example:
        ``clean_text(plain_output(step.data["aggregatedOutput"]), indent="    ")``
    """
    return _STYLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def cell_width(text: str) -> int:
    """Return how many columns of a terminal a text takes at most, which is one or two for each character.

    Terminals differ. This is the widest that any of them may show, so that a line which fits by it fits everywhere.

    Args:
        text: Cleaned text of one line.

    Example:
        ``assert cell_width("漢字") == 4``
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def fold_line(line: str, columns: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a line into rows that no terminal breaks again, each of at most `columns` columns; tabs become spaces.

    A row that the terminal breaks by itself goes on at the left edge, where a prompt's own words stand. Where there is
    no room for a single character, a row is longer.

    Args:
        line: Cleaned text of one line.
        columns: Leave one free of those that the terminal has: some begin a new row when the last one is written to.
        first: What the first row begins with.
        rest: What each further row begins with.

    Example:
        ``print(*fold_line(clean_text(name), 79, first="  | ", rest="  : "), sep="\\n")``
    """
    room, further_room = max(1, columns - cell_width(first)), max(1, columns - cell_width(rest))
    if line.isascii() and "\t" not in line:  # a shortcut, as a hostile line may be long
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
    """Split a line into characters, each with the marks that are drawn onto it."""
    pieces: list[str] = []
    for character in line:
        if pieces and not character.isascii() and _is_mark(character):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    # Ambiguous ones are wide on terminals set up for East Asian languages, and most pictures are wide everywhere. Some
    # symbols and numbers are wide for terminals that know a newer Unicode than this Python.
    is_wide = unicodedata.east_asian_width(character) in "WFA"
    return 2 if is_wide or character >= "\U0001f000" or unicodedata.category(character) in ("So", "No") else 1


def _shown(run: str, before: str, kept: str, *, keep_emoji: bool) -> str:
    """Spell out what is unsafe in a run of characters that are not plain ASCII.

    Args:
        before: The character in front of the run; empty if there is none.
        kept: Control characters that stay.
    """
    if run.isprintable() and not _INVISIBLE.search(run) and not any(map(_is_mark, run)):
        return run
    parts: list[str] = []
    base = "" if before in ("", " ") else before  # what a mark would be drawn onto
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
            or (is_mark and (not base or marks >= _MOST_MARKS))
        ):
            parts.append(_spelt(character))
            base = "" if not is_mark else base
        else:
            parts.append(character)
            marks = marks + 1 if is_mark else 0
            base = base if is_mark else character
    return "".join(parts)


def _is_mark(character: str) -> bool:
    """Whether a character is drawn onto the one before it, as accents are, and the later letters of a Korean syllable."""
    return (
        unicodedata.category(character) in ("Mn", "Me")
        or "\u1160" <= character <= "\u11ff"
        or "\ud7b0" <= character <= "\ud7ff"
    )


def _completes_emoji(character: str, base: str) -> bool:
    if base == _EMOJI_STYLE:
        return character == _JOINER
    return character in (_EMOJI_STYLE, _JOINER) and base != "" and unicodedata.category(base) in ("So", "Sk")


def _spelt(character: str) -> str:
    return f"<U+{ord(character):04X}>"
