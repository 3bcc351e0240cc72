"""`EchoMask`: redact known secrets in any encoding."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest

from codex_trio._transports.echoes import EchoMask

SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded, but for slashes": quote,
    "percent-encoded, in small letters": lambda text: quote(text, safe="").lower(),
    "as in a form": quote_plus,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in HTML": html.escape,
    "in Python": lambda text: repr(text)[1:-1],
    "in hexadecimal": lambda text: text.encode().hex(),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "secret", ["tok-4f1c0a7be2d94c6f8a35", "a+b/c?d&e\"f'g\\h<i>j", "p\u00e4ssw\u00f6rt:>>>???", 'sh/r"t']
)
def test_a_secret_is_taken_out_however_it_is_spelt(secret: str, spelling: str) -> None:
    spell = SPELLINGS[spelling]
    for before in ("", "x", "xy", "xyz"):
        for after in ("", "z", "zz"):
            left = EchoMask([secret])(spell(f"{before}{secret}{after}"))
            assert left.count("***") == 1
            # Of the characters beside it, and of those that have bits of it and of others.
            assert len(left) <= len(f"{spell(before)}***{spell(after)}") + 4


def test_pieces_of_eight_characters_are_taken_out_and_shorter_ones_are_not() -> None:
    mask = EchoMask(["0123456789abcdef"])
    assert mask("<01234567> <23456789a> <0123456>") == "<***> <***> <0123456>"
    assert mask("0123456789-0123456789abcdef0123456789abcdef") == "***-***"


def test_short_secrets_are_taken_out_whole() -> None:
    assert EchoMask(["abc", "ab"])("abc ab a ABC") == "*** *** a ***"
    assert EchoMask(["ab"])("YWI= hY mF is 6162") == "YWI= hY mF is 6162"
    assert EchoMask([""])("anything") == EchoMask()("anything") == "anything"


def test_it_does_not_show_what_it_knows() -> None:
    assert repr(EchoMask(["0123456789abcdef"])) == "EchoMask(***)"
    assert not hasattr(EchoMask(["0123456789abcdef"]), "__rich_repr__")
