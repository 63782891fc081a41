"""Run directories made by rule, for tests of what is written about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from harness.figures import Reliability
from harness.outcomes import ItemResult, Outcome, Probability, Table
from harness.report.figures import draw
from harness.statistics.claims import Verdict
from harness.statistics.estimates import Estimate

MANIFEST: dict[str, Any] = {
    "status": "finished", "experiment": "pTrue", "title": "A claim.", "run_id": "00000000",
    "task": {"name": "facts", "items": 9, "fingerprint": "f"},
    "model": {"name": "<b>model</b>", "source": "s"}, "seed": 0, "items_done": 9, "items_failed": 1, "started": "now",
    "seconds": {"ask": 1.5}, "engine_busy": 0.934, "store": {"asked": 7, "shared": 3, "damaged": 0},
    "usage": {"calls": 7, "prompt_tokens": 70, "cached_tokens": 30, "new_tokens": 50, "steps": 9, "busy": 1.4},
    "config": {}, "host": {"name": "h", "system": "s", "cpus": 2, "gpus": []},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    answer: str | None
    p_true: Probability | None
    correct: bool | None


def estimate(value: float | None, arm: str = "few-shot", metric: str = "auroc") -> Estimate:
    """An estimate with an interval of a tenth to either side; without a value, undefined."""
    low, high = (value - 0.1, value + 0.1) if value is not None else (None, None)
    return Estimate(
        metric=metric, level={"arm": arm}, value=value, low=low, high=high, n=8, n_groups=8, n_failed=1,
        method="bootstrap", better="higher", note="" if value is not None else "only one class",
    )  # fmt: skip


def lines(n: int, text: str = "hello") -> Iterator[Mapping[str, Any]]:
    """Lines of calls.jsonl: item i asks one question; the last one failed."""
    for i in range(n):
        exchange = {
            "prompt": f"prompt {i} {text}", "reply": text, "keys": ["00"], "cached": i % 2 == 0,
            "prompt_tokens": 5, "new_tokens": 2, "role": "",
        }  # fmt: skip
        yield {
            "item": f"{i:06x}", "group": f"{i:06x}", "fields": {"question": text}, "gold": text,
            "grader": None, "form": {"max_tokens": 48, "stop": ["\n"]},
            "error": "broken" if i == n - 1 else None, "exchanges": [exchange],
        }  # fmt: skip


def table(n: int, text: str = "hello") -> Table:
    """Their outcomes: even items are in arm few-shot, odd ones in arm none."""
    results = [
        ItemResult(
            f"{i:06x}", f"{i:06x}",
            (Row(arm="none" if i % 2 else "few-shot", answer=text, p_true=Probability(0.25), correct=i % 2 == 0),),
        )
        for i in range(n - 1)
    ]  # fmt: skip
    return Table.build(Row, [*results, ItemResult(f"{n - 1:06x}", "g", error="broken")])


def write_run(
    path: Path,
    n: int = 9,
    text: str = "hello",
    estimates: tuple[Estimate, ...] = (estimate(0.7),),
    figures: bool = True,
    **changes: Any,
) -> Path:
    """A whole run directory of n items, with `text` wherever a model or a data set can put one."""
    (path / "figures").mkdir(parents=True)
    outcomes = table(n, text)
    outcomes.save(path / "outcomes.parquet")
    with (path / "calls.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines(n, text))
    short = text[:99].encode("utf-8", "replace").decode()
    verdicts = [
        Verdict("supported", short, estimate(0.7), None, short, short, 0.03, 0.06, "undecided"),
        Verdict("undecided", "published", estimate(0.7), 0.75, "near", "table 1"),
    ]
    (path / "estimates.json").write_text(json.dumps([asdict(e) for e in estimates]))
    (path / "verdicts.json").write_text(json.dumps([asdict(v) for v in verdicts]))
    (path / "manifest.json").write_text(json.dumps(MANIFEST | changes))
    if figures:
        drawing = draw(Reliability("p_true", "correct"), outcomes, [])
        (path / "figures" / f"{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
    return path
