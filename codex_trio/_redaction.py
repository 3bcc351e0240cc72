"""Redact secrets in recordings, logs, errors and the output of the command line.

Secrets are recognized by names and by known forms, so some are not found: see `Redactor`. No I/O.
"""

from __future__ import annotations

import functools
import logging
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

MASK = "***"

_SECRET = (
    r"(?:(?:api|access|auth|private|secret|signing)[-_]?key|authorization|cookie|credentials?|jwt|passphrase"
    r"|passw(?:or)?d|secret|token)"
)
_SECRET_NAME = rf"(?ai){_SECRET}$"
_IN_VARIABLE = r"auth|cookie|credential|jwt|key|pass|private|secret|token"
_SECRET_VARIABLE = rf"(?ai){_IN_VARIABLE}|_pat$"
_CREDENTIAL = rf"{_SECRET_VARIABLE}|session|signature"
_VARIABLE = r"[A-Z][A-Z0-9_]+"
_ENVIRONMENTS = frozenset({"env", "environment"})
_INSTALLATION = {"installationId": "00000000-0000-4000-8000-000000000000", "serverName": "host"}
_NAMED_VALUES = (("keyPath", "value"), ("name", "value"), ("key", "value"))  # of `config/value/write`, of HTTP headers


# --- text

# Every redacted secret contains or follows one of these hints. Searching for the hints is much faster than trying a
# regular expression at each character, so the expressions are tried only near a hint.
_NAME_HINTS = ("_pat", "auth", "cookie", "credential", "jwt", "key", "pass", "private", "secret", "token")
_VALUE_HINTS = ("bearer", "eyj", "sk-")
_LOGIN_HINT = "://"
_TEXT_HINTS = (*_NAME_HINTS, *_VALUE_HINTS, _LOGIN_HINT)
_MESSAGE_HINTS = (
    *(hint.encode() for hint in (*_NAME_HINTS, *_VALUE_HINTS, "installationid")),
    b"\\u",  # an escaped letter
)
_LOGIN_IN_MESSAGE = rb"://[^\s/?#@\"]+@"

_NAME_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_LONGEST_NAME = 64

# Quotes may be escaped, as in JSON inside JSON. An unclosed quotation extends to the end of the line.
_QUOTE = r"(?P<quote>\\*[\"'])"
_QUOTED = r".+?(?:(?<!\\)(?=(?P=quote))|$)"
_WORD = r"[^\s\"'\\;&|()<>{\[][^\s\"'\\;&|()<>]*(?<!,)"
_LONG_WORD = r"[A-Za-z0-9._~+/=-]{8,}"
_SEPARATOR = r"(?:\\*[\"'])?\s*[=:]"
_ASSIGNED = (  # NAME=value, "name": "value"
    rf"(?am)(?:=|\\*[\"']\s*[=:]\s*){_QUOTE}?(?!(?i:true|false|null|none)\b)(?P<value>(?(quote){_QUOTED}|{_WORD}))"
)
_AFTER_SPACE = rf"(?am)\s+{_QUOTE}?(?!-)(?P<value>(?(quote){_QUOTED}|{_WORD}))"  # --name value
_AFTER_SCHEME = rf"(?aim)\s*[=:]\s*(?:basic|bearer)\s+{_QUOTE}?(?P<value>(?(quote){_QUOTED}|{_WORD}))"
_AFTER_COLON = rf"(?am)\s*[=:]\s*{_QUOTE}?(?P<value>(?(quote){_QUOTED}|{_LONG_WORD}))"  # name: value
_BY_ITSELF = rf"(?ai)(?:bearer\s+|\bsk-|\beyJ)(?P<value>{_LONG_WORD})"
_LOGIN = r"://(?P<value>[^\s/?#@\"'<>\\:]*:[^\s/?#\"'<>\\]*|[^\s/?#@\"'<>\\]{16,})@"

_AFTER_NAME = {
    "variable": (_ASSIGNED,),
    "name": (_ASSIGNED, _AFTER_SCHEME, _AFTER_COLON),
    "option": (_ASSIGNED, _AFTER_SPACE, _AFTER_SCHEME, _AFTER_COLON),
}
"""Patterns for the value after a name, by type of name; the first match counts."""


def redact(text: str) -> str:
    """Replace text that looks like a secret by ``***``.

    This covers ``Bearer ...``, ``sk-...`` and ``eyJ...``, the login in a URL, and the value after a secret name (`Redactor`
    lists the names). The value may follow ``=`` without a space, be quoted as in JSON, or follow an option of a command
    (``--api-key ...``). After a colon or spaces, it must be in quotes, or consist of at least eight
    characters that occur in keys.
    """
    pieces: list[str] = []
    done = 0
    for start, end in _find_secrets(text):
        pieces += text[done:start], MASK
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _find_secrets(text: str) -> list[tuple[int, int]]:
    """Return where each secret starts and ends, in order and without overlaps."""
    small = text.lower()
    for hint in _TEXT_HINTS:  # twice as fast as `any`
        if hint in small:
            return _find_near_hints(text, small)
    return []


def _find_near_hints(text: str, small: str) -> list[tuple[int, int]]:
    if len(small) != len(text):  # `lower` turns a few letters into two
        small = re.sub(r"[A-Z]+", lambda found: found[0].lower(), text)
    places = [(start, True) for hint in _NAME_HINTS for start in _occurrences(small, hint)]
    places += [(start, False) for hint in _VALUE_HINTS for start in _occurrences(small, hint)]
    if "@" in small:
        places += [(start, False) for start in _occurrences(small, _LOGIN_HINT)]
    secrets: list[tuple[int, int]] = []
    done = named_done = name_end = 0  # no text is matched twice, so the time is linear
    for start, is_in_name in sorted(places):
        found = None
        if is_in_name and start >= max(name_end, named_done):
            name_end, found = _match_named_value(text, start)
        elif not is_in_name and start >= done:
            found = _match_value(text, start)
        if found is not None:
            start = found.start("value") if found.start("value") >= done else secrets.pop()[0]
            done = max(done, found.end("value"))
            secrets.append((start, done))
            named_done = done if is_in_name else named_done
    return secrets


def _occurrences(text: str, part: str) -> list[int]:
    found: list[int] = []
    start = text.find(part)
    while start >= 0:
        found.append(start)
        start = text.find(part, start + len(part))
    return found


def _match_value(text: str, start: int) -> re.Match[str] | None:
    """Match a value with a known prefix."""
    pattern = _LOGIN if text.startswith(_LOGIN_HINT, start) else _BY_ITSELF
    return _compiled(pattern).match(text, start)


def _match_named_value(text: str, start: int) -> tuple[int, re.Match[str] | None]:
    """Match a value by the name before it, which has a hint at `start`; return also where that name ends."""
    before = text[max(0, start - _LONGEST_NAME) : start]
    begin = start - len(before) + len(before.rstrip(_NAME_SIGNS))
    rest = _compiled(r"[A-Za-z0-9_-]*").match(text, start)
    assert rest is not None
    end = rest.end()
    name_type = _name_type(text[max(begin, end - _LONGEST_NAME) : end])
    if name_type and (name_type == "option" or _compiled(_SEPARATOR).match(text, end)):
        for pattern in _AFTER_NAME[name_type]:
            if (found := _compiled(pattern).match(text, end)) is not None:
                return end, found
    return end, None


@functools.lru_cache(4_096)
def _name_type(name: str) -> str:
    if re.search(_SECRET_NAME, name):
        return "option" if name.startswith("--") else "name"
    capitals = re.search(r"[A-Z0-9_]+$", name)
    return "variable" if capitals and re.search(rf"{_IN_VARIABLE.upper()}|_PAT$", capitals[0]) else ""


_compiled = functools.lru_cache(None)(re.compile)


def redact_command(words: Sequence[str]) -> str:
    """Return a command line, redacted by `redact`, and without the word after a secret option."""
    quoted = map(shlex.quote, words)
    return " ".join(
        MASK if _is_secret_option(before) else redact(word) for before, word in zip(["", *words], quoted, strict=False)
    )


def secrets_in_command(words: Sequence[str]) -> Iterator[str]:
    """Yield the parts of a command that `redact_command` replaces."""
    for before, word in zip(["", *words], words, strict=False):
        if _is_secret_option(before):
            yield word
        else:
            yield from (word[start:end] for start, end in _find_secrets(word))


def redact_start(line: bytes | bytearray, also: Callable[[str], str], size: int = 200) -> bytes:
    """Return the first `size` bytes of a line, for a log. `redact` and `also` are applied before it is cut."""
    text = line[: 20 * size].decode("utf-8", "surrogateescape")
    return redact(also(text)).encode("utf-8", "surrogateescape")[:size]


def redact_strings(value: Any, redact: Callable[[str], str]) -> Any:
    """Return a copy of a JSON value, with `redact` applied to its strings and names."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_strings(element, redact) for element in value]
    if isinstance(value, dict):
        return {redact(name): redact_strings(element, redact) for name, element in value.items()}
    return value


class LogRedaction(logging.Filter):
    """Redacts log records with `redact`, including text from elsewhere, such as an error's message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record, and always keep it."""
        try:
            message = record.getMessage()
        except RecursionError:  # the server determines the nesting depth
            record.msg, record.args = f"{record.msg!r}, with values that are nested too deeply to be shown", ()
            return True
        redacted = redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


def is_credential(name: str) -> bool:
    """Whether a header or a query parameter of this name is, or may be, a credential."""
    return re.search(_CREDENTIAL, name) is not None


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable of this name has a secret for its value."""
    return re.search(_SECRET_VARIABLE, name) is not None


# --- messages


class Redactor:
    """Redacts the messages of one connection.

    In both directions, these are replaced by ``***``:

    - the value of a key whose name ends in ``apiKey``, ``accessKey``, ``privateKey``, ``token``, ``secret``,
      ``password``, ``authorization``, ``cookie``, ``credentials`` and the like, in any spelling;
    - the value of an environment variable whose name has ``KEY``, ``TOKEN``, ``SECRET``, ``PASS``, ``AUTH`` and the like
      in it: of a name in capitals anywhere, and of any name in an object under ``env`` or ``environment``;
    - the ``value`` beside a ``name``, ``key`` or ``keyPath`` of either kind;
    - in a list of words, the word after an option of such a name, such as ``--token``;
    - the answers to questions that the server calls secret (``isSecret``);
    - in any other text, what `redact` finds.

    Truth values and nulls stay. A server's ``installationId`` becomes zeros, and the ``serverName`` beside it ``host``.

    These are not found: a secret without a name (a private key in PEM, ``ghp_...`` in a prompt) or with another name
    (``pin``, ``auth`` in lower case); a secret in pieces, as in deltas, or in base64; a pair in a list
    (``["Authorization", "..."]``); a short secret after ``password: `` in prose.
    """

    def __init__(self) -> None:
        self._secret_questions: dict[object, list[str]] = {}  # ids of secret questions, by request id

    def may_contain_secret(self, line: bytes | bytearray) -> bool:
        """Whether a message may contain something to redact."""
        small = line.lower()
        for hint in _MESSAGE_HINTS:  # twice as fast as `any`
            if hint in small:
                return True
        return bool(self._secret_questions) or (b"@" in line and re.search(_LOGIN_IN_MESSAGE, line) is not None)

    def apply(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a redacted copy of a message. A server request must be passed to this before its answer."""
        redacted: dict[str, Any] = _redacted(message)
        if "method" in message:
            self._note_questions(message)
        elif questions := self._secret_questions.get(_key(message.get("id"))):
            _redact_answers(redacted, questions)
        return redacted

    def discard_questions(self, message: dict[str, Any]) -> None:
        """Discard the secret questions that a message answers. A request is answered only once."""
        result = message.get("result")
        if isinstance(result, dict) and "answers" in result:  # else it may answer our own request with this id
            self._secret_questions.pop(_key(message.get("id")), None)

    def _note_questions(self, message: dict[str, Any]) -> None:
        params = message.get("params")
        questions = params.get("questions") if isinstance(params, dict) and "id" in message else None
        if isinstance(questions, list):
            secret = [
                entry.get("id") for entry in questions if isinstance(entry, dict) and entry.get("isSecret") is True
            ]
            if secret:
                self._secret_questions[_key(message["id"])] = [name for name in secret if isinstance(name, str)]


def _redact_answers(answer: dict[str, Any], questions: list[str]) -> None:
    result = answer.get("result")
    answers = result.get("answers") if isinstance(result, dict) else None
    if isinstance(answers, dict):
        answers.update({name: _redact_all(answers[name]) for name in questions if name in answers})


def _key(request_id: object) -> object:
    return request_id if isinstance(request_id, (int, str)) else None


def _redacted(value: Any, *, is_environment: bool = False) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [
            _redact_all(one) if _is_secret_option(before) else _redacted(one, is_environment=is_environment)
            for before, one in pairwise([None, *value])
        ]
    if not isinstance(value, dict):
        return value
    redacted = {
        name: _redact_all(one)
        if _is_secret(name, is_environment)
        else _redacted(one, is_environment=_is_environment(name))
        for name, one in value.items()
    }
    if "installationId" in value:
        redacted.update({name: one for name, one in _INSTALLATION.items() if isinstance(value.get(name), str)})
    for name, one in _NAMED_VALUES:
        path = value.get(name)
        if isinstance(path, str) and one in value:
            if _is_secret(path, is_environment):
                redacted[one] = _redact_all(value[one])
            elif _is_environment(path):
                redacted[one] = _redacted(value[one], is_environment=True)
    return redacted


def _redact_all(value: Any) -> Any:
    if isinstance(value, list):
        return [_redact_all(element) for element in value]
    if isinstance(value, dict):
        return {name: _redact_all(one) for name, one in value.items()}
    return value if value is None or isinstance(value, bool) or value == "" else MASK


@functools.lru_cache(4_096)
def _is_secret(path: str, is_environment: bool) -> bool:
    *parents, name = _names(path)
    if is_environment or (parents and parents[-1] in _ENVIRONMENTS) or re.fullmatch(_VARIABLE, name):
        return is_secret_variable(name)
    return re.search(_SECRET_NAME, name) is not None


def _is_secret_option(word: object) -> bool:
    return isinstance(word, str) and word.startswith("--") and _is_secret(word, False)


@functools.lru_cache(4_096)
def _is_environment(path: str) -> bool:
    return _names(path)[-1] in _ENVIRONMENTS


def _names(path: str) -> list[str]:
    return [name.strip("\"'") for name in path.split(".")]  # keys of the configuration may be paths
