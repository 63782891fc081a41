"""Reads the rows of JSON and JSONL files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.files import json_of, unique


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """The number and the object of each line, or the fault of the line."""
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield number, _object(json_of(line))
                except json.JSONDecodeError as error:
                    yield number, f"malformed JSON ({error.msg})"
                except ValueError as error:  # numbers of thousands of digits, lists 1,000 deep, a key twice
                    yield number, f"JSON that cannot be read ({error})"


def _object(row: Any) -> dict[str, Any] | str:
    return row if isinstance(row, dict) else f"a JSON object is wanted, not {type(row).__name__}"


def json_rows(path: Path) -> list[dict[str, Any] | str]:
    """The objects of a list, or of the only list of objects in an object; of anything else in it the fault.

    Raises:
        HarnessError: the file is malformed, or holds no such list.
    """
    text = path.read_text(encoding="utf-8-sig") or "[]"
    try:
        content = json_of(text)
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path}, line {error.lineno}: malformed JSON ({error.msg})") from error
    except ValueError as error:  # numbers of thousands of digits, lists 1,000 deep, a key twice
        raise HarnessError(f"{path}{_unreadable(text)}: JSON that cannot be read ({error})") from error
    if isinstance(content, dict):
        found = (value for value in content.values() if isinstance(value, list))
        lists = [value for value in found if any(isinstance(row, dict) for row in value)]
        content = lists[0] if len(lists) == 1 else None
    if not isinstance(content, list):
        raise HarnessError(f"{path}: a list of objects is wanted, or an object with exactly one such list")
    return [_object(row) for row in content]


_BETWEEN = re.compile(r"[\s,]*")


def _unreadable(text: str) -> str:
    """The list element at which the parser fails, for a message; "" if it is no list."""
    decoder, at, row = json.JSONDecoder(object_pairs_hook=unique), text.find("[") + 1, 1
    if text[:at].strip() != "[":
        return ""
    try:
        while text[at] != "]":
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
            at = _BETWEEN.match(text, decoder.raw_decode(text, at)[1]).end()  # type: ignore[union-attr]
            row += 1
    except (ValueError, RecursionError):
        return f", row {row} (line {text.count(chr(10), 0, at) + 1})"
    return ""
