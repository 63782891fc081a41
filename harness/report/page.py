"""report.html: one file that opens with no network, from verdicts down to the transcript behind any number."""

from __future__ import annotations

import base64
import hashlib
import heapq
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from harness.claims import Verdict
from harness.outcomes import Table
from harness.report.figures import Drawing
from harness.report.text import cut, number, visible
from harness.stats import Estimate

INLINE_BYTES = 3_000_000
"""Transcripts beyond this size stay in calls.jsonl, so that the page opens at once."""

MOST_ITEMS = 1000
"""Items on the page at most; also how many transcripts are in memory at once."""

HEAD, TAIL = 400, 1600
"""Characters of a long prompt or reply that are shown: its beginning, and its end, where the question is."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as the page shows it."""

    id: str
    error: str | None
    gold: str
    fields: str
    columns: list[str]
    rows: list[list[str]]
    exchanges: list[dict[str, str]]

    @property
    def size(self) -> int:
        """Roughly its characters on the page."""
        told = sum(len(e["prompt"]) + len(e["reply"]) + 200 for e in self.exchanges)
        return told + sum(len(cell) + 10 for row in self.rows for cell in row) + len(self.fields)


def render(  # noqa: PLR0917
    manifest: Mapping[str, Any],
    table: Table,
    estimates: Sequence[Estimate],
    verdicts: Sequence[Verdict],
    drawings: Sequence[Drawing],
    transcripts: Iterable[Mapping[str, Any]],
) -> str:
    """The page. Everything that a model or a data set wrote is escaped, and what is invisible in it made visible.

    No script but the page's own can run, and nothing can be loaded: the policy in its head allows one, by digest.

    Args:
        transcripts: the lines of calls.jsonl; failed items are shown first, then others by id, up to INLINE_BYTES and
            MOST_ITEMS.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    here = files("harness.report")
    script = (here / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=PackageLoader("harness", "report"),
        autoescape=select_autoescape(["j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"num": number, "seen": lambda text: visible(str(text))}
    items, left_out = _choose(table, transcripts)
    return environment.get_template("page.html.j2").render(
        m=manifest,
        estimates=estimates,
        verdicts=verdicts,
        drawings=drawings,
        items=items,
        left_out=left_out,
        failures=[i for i in items if i.error is not None],
        style=(here / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_digest=digest,
        provenance=json.dumps(manifest, indent=2, ensure_ascii=False, default=str),
        level=lambda e: ", ".join(e.level.values()),
    )


def _choose(table: Table, transcripts: Iterable[Mapping[str, Any]]) -> tuple[list[Shown], int]:
    places: dict[str, list[int]] = {}
    for i, item in enumerate(table.columns["item"]):
        places.setdefault(item, []).append(i)
    # Items are digests, so the first ids are a random sample that stays the same from run to run.
    total = itertools.count()  # zip takes one number per line, and none after the last
    lines = (line for line, _ in zip(transcripts, total, strict=False))
    ordered = heapq.nsmallest(MOST_ITEMS, lines, key=lambda line: (line["error"] is None, line["item"]))
    shown: list[Shown] = []
    size = 0
    for line in ordered:
        item = _shown(line, table, places.get(line["item"], []))
        size += item.size
        if size > INLINE_BYTES and shown:
            break
        shown.append(item)
    return shown, next(total) - len(shown)


def _shown(line: Mapping[str, Any], table: Table, places: Sequence[int]) -> Shown:
    columns = [name for name in table.kinds if name not in ("item", "group", "error")]
    return Shown(
        id=line["item"],
        error=line["error"],
        gold=cut(_text(line["gold"]), 500),
        fields=cut(_text(line["fields"]), 3000),
        columns=columns,
        rows=[[_cell(table, name, i) for name in columns] for i in places if table.columns["error"][i] is None],
        exchanges=[
            {
                "prompt": _middle(e["prompt"]),
                "reply": _middle(e["reply"]),
                "note": f"{e['prompt_tokens']} prompt tokens, {e['new_tokens']} new"
                + (", from the store" if e["cached"] else ""),
            }
            for e in line["exchanges"]
        ],
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(table: Table, name: str, place: int) -> str:
    value, kind = table.columns[name][place], table.kinds[name]
    if value is None or (kind != "text" and np.isnan(value)):
        return "-"
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
