"""Puts runs together that differ in the seed only, and names the differences of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config import flat
from harness.metrics.labels import metric_label
from harness.metrics.levels import level_words
from harness.report.results import claims_of
from harness.runs.loaded import BESIDES
from harness.runs.records import RunRecord
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline

_SHOWN = frozenset({"experiment", "seed", "model", "task"})
"""Parts of the config that a label tells in words of their own."""

MOST_SETTINGS = 3
"""Settings in a label at most."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """One number of runs that differ in the seed: the mean, and the least and largest seed.

    Attributes:
        low, high: of one run, its 95 % interval; of several, the least and the largest of them.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    seeds: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Runs that differ in the seed only.

    Attributes:
        label: what tells them from the other runs of their experiment, without the model.
    """

    runs: Sequence[RunRecord]
    label: str

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.runs[0].manifest["model"]["name"])

    @property
    def name(self) -> str:
        """Model and label."""
        return ", ".join(filter(None, [self.model, self.label]))

    def kinds(self, text: str) -> Mapping[str, int]:
        """How many of the seeds came to which verdict on a claim."""
        return Counter(v["kind"] for run in self.runs for v in run.verdicts if v["text"] == text)

    def numbers(self) -> list[Pooled]:
        """The two numbers that stand for the runs: how often the model is right, and the first claim's number."""
        first = self.runs[0]
        sides = [side for claim in claims_of(first) for side in claim.sides]
        found = headline(first.estimates, [name for name, _ in sides])
        right = [e for e in found if e.metric.startswith("accuracy")]
        levels = [dict(level).items() for _, level in sides]
        chosen = [e for e in right if any(e.level.items() <= level for level in levels)][:1] or right[:1]
        claimed = [e for name, level in sides for e in found if (e.metric, dict(e.level)) == (name, dict(level))]
        chosen += [e for e in claimed or found if e not in chosen][: 2 - len(chosen)]
        return [self.pooled(e) for e in chosen]

    def pooled(self, like: Estimate) -> Pooled:
        """The same number of all runs."""
        level = level_words(like.level)
        name = f"{metric_label(like.metric)} ({level})" if level else metric_label(like.metric)
        if len(self.runs) == 1:
            return Pooled(name, like.value, like.low, like.high, 1)
        same = [e for run in self.runs for e in run.estimates if (e.metric, e.level) == (like.metric, like.level)]
        values = [e.value for e in same if e.value is not None]
        if not values:
            return Pooled(name, None, None, None, 0)
        return Pooled(name, sum(values) / len(values), min(values), max(values), len(values))


def settings_of(run: RunRecord) -> dict[str, Any]:
    """The settings of a run that can change an outcome, by dotted key."""
    config = run.manifest.get("config")
    return dict(flat({k: v for k, v in config.items() if k not in BESIDES})) if isinstance(config, Mapping) else {}


def pools(runs: Sequence[RunRecord]) -> list[Pool]:
    """The runs of one experiment; runs that differ in the seed only stand together."""
    found: dict[str, list[RunRecord]] = {}
    for run in runs:
        m = run.manifest
        settings = {k: v for k, v in settings_of(run).items() if k != "seed"}
        found.setdefault(repr((m["model"]["name"], m["task"]["name"], sorted(settings.items(), key=str))), []).append(
            run
        )
    return [Pool(those, label_of(those[0], runs)) for those in found.values()]


def label_of(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    """The words that tell a run from others: its task where tasks differ, then settings that differ among runs of its
    task."""
    task = run.manifest["task"]["name"]
    parts = [str(task)] if len({r.manifest["task"]["name"] for r in runs}) > 1 else []
    alike = [settings_of(r) for r in runs if r.manifest["task"]["name"] == task]
    own = settings_of(run)
    differing = [
        key
        for key in dict.fromkeys(key for one in alike for key in one)
        if key.partition(".")[0] not in _SHOWN and len({repr(one.get(key)) for one in alike}) > 1
    ]
    shown = {key: "null" if own.get(key, "") is None else own.get(key, "not set") for key in differing}
    parts += [f"{key.rpartition('.')[2]} {shown[key]}" for key in differing[:MOST_SETTINGS]]
    return ", ".join(parts)
