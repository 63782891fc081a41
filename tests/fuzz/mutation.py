"""Makes hostile inputs out of good ones, the same from the same seed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

TOKENS = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b"{", b"}", b"[", b"]", b",", b":",
    b"NaN", b"-Infinity", b"1e999", b"null", b"true", b"\\ud800", b"\\", b"\x1b[31m", b"9" * 5000, b"[" * 2000,
    b'{"a":' * 2000,
    b"\t", b"- ", b"&a ", b"*a ", b"!!python/object:os.system ", b"${", b"${oc.env:HOME}", b"???", b"%",
)  # fmt: skip
"""Pieces that parsers stumble over."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**70, 1e308, 5e-324, -0.0, float("nan"), float("inf"), "", " ", "x", "\x00", "\ud800",
    "x" * 100_000, "1912.0", "nan", [], {}, [None], [[]], [[[[]]]], {"": ""}, {"a": None}, ["a", 1], "['a' 'b']",
    "[1, 2]",
    {"text": ["a"], "label": []}, "٣", "²", "\u202e", "<script>", "${seed}", -1.5, [1] * 1000,
)  # fmt: skip
"""Values in the place of others."""


def mutated(content: bytes, rng: Random) -> bytes:
    """A copy with a few flipped bits, pieces cut out, doubled or put in, or its end missing."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(data) + 1)
        until = min(len(data), at + rng.choice((1, 2, 8, 64)))
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 2:
            del data[at:until]
        elif kind == 3:
            data[at:at] = data[at:until]
        elif rng.random() < 0.2:
            del data[at:]
    return bytes(data)


def twisted(value: Any, rng: Random) -> Any:
    """A copy of a JSON value in which one part, at any depth, is another value, or is gone."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        if rng.random() < 0.1:
            del copy[key]
        else:
            copy[key] = twisted(value[key], rng)
        return copy
    return rng.choice(VALUES)


def hostile(value: Any, rng: Random) -> bytes:
    """A JSON value as bytes: twisted, and now and then mutated as text, too."""
    content = json.dumps(twisted(value, rng), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutated(content, rng) if rng.random() < 0.3 else content
