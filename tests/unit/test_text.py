"""`codex_trio.text`: nothing in a text of others steers a terminal, hides, or looks like something else."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata

import pyte
import pytest
import wcwidth  # what pyte goes by
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_trio.text import cell_width, clean_text, fold_line, plain_output

calm = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

# Characters that do something, with what they may do it to; and the notation that stands for them.
NASTY = st.sampled_from(
    [
        *map(chr, range(0xA1)),
        *("\u00ad", "\u034f", "\u061c", "\u115f", "\u1160", "\u11a8", "\u17b4", "\u180b", "\u180e", "\u200b", "\u200d"),
        *("\u200e", "\u2028", "\u2029", "\u202e", "\u2060", "\u2066", "\u206f", "\u2800", "\u3000", "\u3164", "\ufe0f"),
        *(
            "\ufeff",
            "\uffa0",
            "\ufff9",
            "\ud800",
            "\udfff",
            "\ue000",
            "\uffff",
            "\U000e0041",
            "\U000e0101",
            "\U0010ffff",
        ),
        *(
            "\u0301",
            "\u0338",
            "\u20dd",
            "\u0e31",
            "漢",
            "é",
            "א",
            "⚠",
            "👩",
            "<U+",
            "<U+001B>",
            "\x1b[2J",
            "\x9b5n",
            "\r\n",
        ),
    ]
)
TEXTS = st.lists(NASTY | st.characters(), max_size=30).map("".join)


def spelt_back(cleaned: str) -> str:
    return re.sub(r"<U\+([0-9A-F]{4,6})>", lambda found: chr(int(found[1], 16)), cleaned)


@calm
@given(TEXTS, st.booleans())
def test_a_cleaned_text_is_one_line_of_characters_that_are_seen_and_no_two_texts_become_the_same(
    text: str, keep_emoji: bool
) -> None:
    cleaned = clean_text(text, keep_emoji=keep_emoji)

    assert cleaned.isprintable()
    assert spelt_back(cleaned) == text
    assert len(cleaned) >= len(text)


@calm
@given(TEXTS)
def test_lines_are_kept_where_they_are_wanted_and_all_but_the_first_are_indented(text: str) -> None:
    first, *others = clean_text(text, indent="  | ").split("\n")

    assert all(line.startswith("  | ") for line in others)
    lines = [first, *(line.removeprefix("  | ") for line in others)]
    assert all(line.replace("\t", "").isprintable() for line in lines)
    assert spelt_back("\n".join(lines)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x9b5n\x7f\x00", "<U+001B>[2J<U+009B>5n<U+007F><U+0000>"),
        ("a\nb\rc\td\x0b\x0c\x85\u2028\u2029", "a<U+000A>b<U+000D>c<U+0009>d<U+000B><U+000C><U+0085><U+2028><U+2029>"),
        ("gpj.\u202eexe\u2066", "gpj.<U+202E>exe<U+2066>"),
        ("a\u200bb\u00adc\ufeffd\u2060", "a<U+200B>b<U+00AD>c<U+FEFF>d<U+2060>"),
        ("a\ufe0fb\U000e0101c\U000e0041\u180b", "a<U+FE0F>b<U+E0101>c<U+E0041><U+180B>"),
        ("\u00a0\u2003\u3000\u2800\u3164\uffa0\u115f", "<U+00A0><U+2003><U+3000><U+2800><U+3164><U+FFA0><U+115F>"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "<U+0301><U+0301>"),
        ("\u0338a \u0338\n\u0338", "<U+0338>a <U+0338><U+000A><U+0338>"),
        ("\u200b\u0301", "<U+200B><U+0301>"),
        ("\ud800\ue000\uffff", "<U+D800><U+E000><U+FFFF>"),
        (r"a literal \x1b and <U+001B>, <u+1>", r"a literal \x1b and <U+003C>U+001B>, <u+1>"),
        ("naïve 漢字 שלום 👍 e\u0301 <b> {x}", "naïve 漢字 שלום 👍 e\u0301 <b> {x}"),
        ("⚠\ufe0f", "⚠<U+FE0F>"),
    ],
)
def test_what_is_shown_of_each_kind(text: str, shown: str) -> None:
    assert clean_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("⚠\ufe0f 👩\u200d💻 ❤\ufe0f\u200d🔥", "⚠\ufe0f 👩\u200d💻 ❤\ufe0f\u200d🔥"),
        ("⚠\ufe0f\ufe0f", "⚠\ufe0f<U+FE0F>"),
        ("👩\u200d\u200d", "👩\u200d<U+200D>"),
        ("a\ufe0f\u200d", "a<U+FE0F><U+200D>"),
    ],
)
def test_emoji_may_keep_what_belongs_to_them(text: str, shown: str) -> None:
    assert clean_text(text, keep_emoji=True) == shown


@pytest.mark.extended
def test_no_character_is_blank_but_the_space() -> None:
    blank = re.compile(r"\b(FILLER|BLANK|JOINER|SELECTOR|INVISIBLE|INHERENT|SPACE|ZERO WIDTH|NULL NOTEHEAD)\b")
    visible = re.compile("^SYMBOL FOR|^BLANK SYMBOL|GAP FILLER|LINE FILLER|PUNCTUATION SPACE FILLER|^SIGNWRITING")
    names = {chr(code): unicodedata.name(chr(code), "") for code in range(0x21, 0x110000)}
    suspects = [one for one, name in names.items() if blank.search(name) and not visible.search(name)]

    assert [names[one] for one in suspects if clean_text(f"a{one}") == f"a{one}"] == []
    assert len(suspects) > 250


# --- the output of commands


def test_an_output_is_lines_without_colours() -> None:
    output = "\x1b[1;31mred\x1b[0m\r\n10%\r20%\x9b38:5:1mx\x1b[2K"
    assert plain_output(output) == "red\n10%\n20%x\x1b[2K"


# --- width


@calm
@given(TEXTS, st.integers(10, 90))
def test_rows_hold_the_whole_line_and_are_broken_by_no_terminal(text: str, columns: int) -> None:
    line = clean_text(text)
    rows = fold_line(line, columns, first="# ", rest="> ")

    assert "".join(row[2:] for row in rows) == line
    assert [row[:2] for row in rows] == ["# ", *["> "] * (len(rows) - 1)]
    screen = pyte.Screen(columns + 1, 100)
    pyte.Stream(screen).feed("".join(f"{row}\r\n" for row in rows))
    assert [line[:2] for line in screen.display[: len(rows)]] == [row[:2] for row in rows]
    assert screen.cursor.y == len(rows)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("", ["# "]),
        ("abcdef", ["# abcd", "> ef"]),
        ("a漢字b", ["# a漢", "> 字b"]),
        ("abce\u0301", ["# abc", "> e\u0301"]),
        ("a\tb", ["# a", ">     ", "> b"]),
    ],
)
def test_how_rows_are_broken(line: str, rows: list[str]) -> None:
    assert fold_line(line, 6, first="# ", rest="> ") == rows


def test_tabs_go_to_the_stops_that_a_terminal_has() -> None:
    assert fold_line("a\tbc\tdefghijk\tl", 80) == ["a       bc      defghijk        l"]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("…│", 4), ("👍🇩🇪", 6), ("é", 2), ("א", 1)])
def test_a_width_is_the_largest_that_a_terminal_may_show(text: str, width: int) -> None:
    assert cell_width(text) == width


@pytest.mark.extended
def test_no_character_is_wider_for_a_terminal_that_knows_a_newer_unicode() -> None:
    left = [one for one in map(chr, range(0x20, 0x20000)) if "<U+" not in clean_text(f"a{one}")]
    assert len(left) > 50_000
    assert [f"{ord(one):X}" for one in left if wcwidth.wcwidth(one) > cell_width(one)] == []


def test_it_needs_neither_rich_nor_the_rest_of_the_package() -> None:
    program = "import sys, runpy; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    path = sys.modules["codex_trio.text"].__file__
    assert path is not None
    ran = subprocess.run([sys.executable, "-S", "-c", program, path], check=True, capture_output=True, text=True)
    assert {"rich", "trio", "codex_trio"} & set(ran.stdout.split()) == set()
