"""Hostile files for the readers of the sets on theory of mind: rows of each release's layout, twisted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.mutation import hostile, mutated
from tests.unit.tasks import test_chartom, test_deceptionbench, test_exploretom, test_fantom, test_opentom, test_tomi

REPLIES = ("", "Yes", "(A)", "the box", "Ann and Bob", "no: not yes")


def write_sets(folder: Path) -> None:
    test_tomi.written(folder)


def read_sets(rng: Random, good: Path, folder: Path) -> None:
    from harness.tasks.base import split
    from harness.tasks.tom.chartom import CharToM
    from harness.tasks.tom.deceptionbench import DeceptionBench
    from harness.tasks.tom.exploretom import ExploreToM
    from harness.tasks.tom.fantom import Fantom
    from harness.tasks.tom.opentom import OpenToM
    from harness.tasks.tom.tomi import ToMi

    kinds: list[tuple[type[Any], Callable[..., dict[str, Any]], dict[str, Any]]] = [
        (Fantom, lambda n: test_fantom.a_set(f"{n}-0-0"), {"context": rng.choice(("short", "full"))}),
        (Fantom, lambda n: test_fantom.a_set(f"{n}-0-0"), {"lists": "whole"}),
        (OpenToM, lambda n: test_opentom.ROWS[n], {}),
        (ExploreToM, lambda n: test_exploretom.ROWS[n], {"story": rng.choice(("story_structure", "infilled_story"))}),
        (CharToM, test_chartom.a_row, {}),
        (DeceptionBench, test_deceptionbench.a_row, {}),
        (ToMi, dict, {}),
    ]
    kind, row, settings = rng.choice(kinds)
    path = folder / ("test.txt" if kind is ToMi else "rows.jsonl")
    if kind is ToMi:
        for name in ("test.txt", "test.trace"):
            content = (good / name).read_bytes()
            (folder / name).write_bytes(mutated(content, rng) if rng.random() < 0.7 else content)
    else:
        lines = [hostile(row(n), rng) if rng.random() < 0.5 else json.dumps(row(n)).encode() for n in range(6)]
        path.write_bytes(b"\n".join(lines))
    task = kind(path=str(path), duplicates="drop", max_broken=rng.choice((0.05, 0.9)), **settings)
    for item in split(task, None, 0).test:
        assert item.fields["question"].strip()
        for reply in REPLIES:
            assert item.grade(reply).correct in (True, False, None)
            assert item.released is None or item.released(reply, item).correct in (True, False, None)
