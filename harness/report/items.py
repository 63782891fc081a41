"""Puts the items of a run on its page: some in the page, the rest in files beside it, which it reads when needed."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from harness.files import write_whole
from harness.item_lines import damaged, opened, parsed
from harness.outcomes import Table
from harness.report.heads import Head, Heads
from harness.report.text import cut, number
from harness.subject.transcript import Exchange, Transcript

HEAD, TAIL = 400, 1600
"""Characters of a long prompt or reply that are shown: its beginning, and its end, where the question is."""

MOST_ROWS = 50
"""Outcome rows and exchanges of one item that are shown at most; more are in outcomes.parquet and calls.jsonl."""

NOTHING = "-"
"""Stands for a value that is missing."""

FIRST = ("arm", "answer", "correct", "fate", "p")
"""Columns of outcomes that stand before the others."""

FIX = "give another place with --out FILE, or free space"
"""What helps where a page cannot be written."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as the page shows it.

    Attributes:
        same: columns in which all rows have the same value, which is told once.
        columns: the others.
    """

    id: str
    head: Head
    error: str | None
    gold: str
    fields: list[tuple[str, str]]
    same: list[tuple[str, str]]
    columns: list[str]
    rows: list[list[str]]
    exchanges: list[dict[str, str]]
    left_out: int


class Transcripts:
    """The lines of calls.jsonl in the page's order, confident and wrong first (`heads.rank`); never all in memory.

    Raises:
        HarnessError: the file is missing or damaged.
    """

    def __init__(self, file: Path, heads: Heads) -> None:
        self.file = file
        self._places: list[tuple[tuple[int, float], str, int]] = []
        with opened(file) as lines:
            at = 0
            for number, text in enumerate(lines, start=1):
                line = parsed(text, f"{file}, line {number}")
                self._places.append((heads.rank(line["item"], line["error"]), line["item"], at))
                at += len(text)
        # Of one rank by id: ids are digests, so the first ones are a random sample, the same from run to run.
        self._places.sort()

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        with opened(self.file) as lines:
            for _, _, at in self._places:
                lines.seek(at)
                yield orjson.loads(lines.readline())


def shown(line: Mapping[str, Any], heads: Heads) -> Shown:
    """An item with its long texts cut in the middle.

    Args:
        line: of calls.jsonl.
        heads: of the run's table.

    Raises:
        HarnessError: the line lacks something.
    """
    table = heads.table
    columns = [name for name in table.kinds if name not in ("item", "group", "error", *FIRST)]
    columns = [*(name for name in FIRST if name in table.kinds), *columns]
    try:
        kept = [i for i in heads.places.get(line["item"], ()) if table.columns["error"][i] is None]
        cells = {name: [_cell(table, name, i) for i in kept[:MOST_ROWS]] for name in columns}
        same = [name for name in columns if name != "arm" and len(kept) > 1 and len(set(cells[name])) == 1]
        columns = [name for name in columns if name not in same]
        transcript = Transcript.read(line["exchanges"])
        return Shown(
            id=line["item"],
            head=heads.head(line["item"], line["fields"], line["error"]),
            error=None if line["error"] is None else cut(line["error"], 2000),
            gold=cut(_gold(line["gold"]), 500),
            fields=[(str(name), cut(_text(value), 3000)) for name, value in line["fields"].items()],
            same=[(name, cells[name][0]) for name in same if cells[name][0] != NOTHING],
            columns=columns,
            rows=[list(row) for row in zip(*(cells[name] for name in columns), strict=True)],
            exchanges=[_exchange(e) for e in transcript[:MOST_ROWS]],
            left_out=max(0, len(kept) - MOST_ROWS, len(transcript) - MOST_ROWS),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(f"calls.jsonl, item {line.get('item')}", error) from error


def _exchange(e: Exchange) -> dict[str, str]:
    asked = f"asked of the {e.role}, " if e.role else ""
    stored = ", from the store" if e.cached else ""
    note = f"{asked}{e.prompt_tokens} prompt tokens, {e.new_tokens} new{stored}"
    parts = {"prompt": _middle(e.prompt), "note": note, "thought": "", "ended": ""}
    if e.thought is None or e.thought.ended == "none":
        return {**parts, "reply": _middle(e.reply)}
    thought, answer = e.reply[: e.thought.characters], e.reply[e.thought.characters :]
    ended = f"{'empty' if e.thought.empty else e.thought.ended}, {e.thought.tokens} tokens"
    return {**parts, "thought": _middle(thought), "ended": ended, "reply": _middle(answer)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _gold(value: Any) -> str:
    """The reference answers, of which any is right."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return " / ".join(value)
    return _text(value)


def _cell(table: Table, name: str, place: int) -> str:
    value, kind = table.columns[name][place], table.kinds[name]
    if value is None or (kind != "text" and np.isnan(value)):
        return NOTHING
    if kind == "text":
        return cut(str(value), 300)
    if kind == "label":
        return "yes" if value else "no"
    return f"{value:.0f}" if kind == "number" and float(value).is_integer() else number(float(value), 4)


def _middle(text: str) -> str:
    if len(text) <= HEAD + TAIL:
        return text
    hidden = len(text) - HEAD - TAIL
    return f"{text[:HEAD]}\n[… {hidden:,} characters left out here, all of them in calls.jsonl …]\n{text[-TAIL:]}"


class Beside:
    """The files beside a page, which hold the items that the page does not.

    Each is one call of the page's `shownItems` with compressed data. It is a script, because a page opened from a disk
    may load scripts but not read files. No text of a model stands in it in the clear.

    Args:
        page: the page's own file.
        key: names this version of the page, so that files of another are not taken for its own.
        file_items: items a file.
    """

    def __init__(self, page: Path, key: str, file_items: int) -> None:
        self.folder = page.with_name(f"{page.stem}-items")
        self.key = key
        self.file_items = file_items
        self.files = 0
        self.items = 0
        self._waiting: list[str] = []

    def add(self, fragment: str) -> None:
        """Adds the next item, as HTML."""
        self._waiting.append(fragment)
        self.items += 1
        if len(self._waiting) == self.file_items:
            self._write()

    def close(self) -> None:
        """Writes what is left, and removes the files of an earlier, larger page."""
        if self._waiting:
            self._write()
        for file in self.folder.glob("*.js"):
            if re.fullmatch(r"\d{5}", file.stem) and int(file.stem) >= self.files:
                file.unlink()
        if not self.files and self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _write(self) -> None:
        packed = base64.b64encode(gzip.compress(orjson.dumps(self._waiting), 6, mtime=0)).decode()
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{self.files:05}.js"
        content = f'shownItems("{self.key}", {self.files}, "{packed}");\n'
        write_whole(file, content, FIX)
        self.files += 1
        self._waiting = []
