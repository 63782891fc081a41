"""Reads what a server says of an error, for a message of ours."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from harness.redaction import struck

ERRORS = ("error", "message", "detail")
"""Keys under which servers write what is wrong; FastAPI's is the last."""

LONGEST = 300
"""Characters of a server's message that are shown."""


def message_in(body: bytes) -> str:
    """The server's own words, in one line."""
    text = body.decode(errors="replace")
    with suppress(orjson.JSONDecodeError, KeyError, TypeError):
        answer = orjson.loads(body)
        error = next((answer[key] for key in ERRORS if answer.get(key)), answer) if isinstance(answer, dict) else answer
        text = str(error["message"] if isinstance(error, dict) else error)
    return short(text)


def is_error(answer: Any) -> bool:
    """Whether a reply says that something is wrong, whatever its status is."""
    return isinstance(answer, dict) and any(answer.get(key) for key in ERRORS)


def short(text: str) -> str:
    """The beginning of a text in one line; struck first, because half a credential has no form that is known."""
    line = "".join(letter for letter in " ".join(struck(text).split()) if letter.isprintable())
    return line[:LONGEST]
