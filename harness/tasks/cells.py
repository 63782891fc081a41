"""Reads one cell of a table: missing values, numbers, and lists that are written as text."""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
from decimal import Decimal
from itertools import pairwise
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


def missing(value: Any) -> bool:
    """Whether a value is None, NaN, or an empty text, list or object."""
    return value is None or value in ("", [], {}) or (isinstance(value, float) and math.isnan(value))


def written(value: Any) -> str:
    """A text or number as a stripped text; "" for a missing or blank one.

    A float is written as a person would: 1912.0 as "1912" (a column of years with one gap is a column of floats),
    1e-07 as "0.0000001".

    Raises:
        ValueError: neither text nor finite number, or a text with half a surrogate pair.
    """
    if missing(value):
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("want a text or a finite number")
        digits = format(Decimal(repr(value or 0.0)), "f")  # never "-0"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if not isinstance(value, (str, int)):
        raise ValueError("want a text or a number")
    text = str(value).strip()
    if half := _HALF.search(text):
        raise ValueError(f"character {half.start() + 1} is half a surrogate pair (a text cut inside an emoji)")
    return text


def unfolded(text: str) -> Any:
    """The list or object that a text holds as JSON or as Python writes it; any other text as it is.

    '["Ann", "Bob"]' and "['Ann', 'Bob']" are lists: tables that were saved as CSV hold them so. "[citation needed]"
    is a text.

    Raises:
        ValueError: it is a list that was printed without its commas, or that could be a list as well as a text, as an
            interval "[0, 1]" could; the message says how to write either.
    """
    stripped = text.strip()
    if (stripped[:1], stripped[-1:]) not in {("[", "]"), ("{", "}")}:
        return text
    if "array(" in stripped or (stripped[:2] in ("['", '["') and _lacks_commas(stripped)):
        raise ValueError("it is a printed array, not a list; save the table as JSONL or Parquet, or write a JSON list")
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(stripped)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict):
            return value
        if not isinstance(value, list):
            return text
        if all(isinstance(part, (str, dict)) for part in value):
            return value
        as_list = json.dumps([str(part) for part in value], ensure_ascii=False)
        as_text = json.dumps([text], ensure_ascii=False)
        raise ValueError(f"it could be a list or one text; write {as_list} for a list, {as_text} for one text")
    return text


def _lacks_commas(text: str) -> bool:
    """Whether two quoted texts follow each other without a comma, as numpy prints ['Ann' 'Bob']."""
    try:
        kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(" ".join(text.split())).readline)]
    except (tokenize.TokenError, SyntaxError):
        return False
    return any(a == b == tokenize.STRING for a, b in pairwise(kinds))
