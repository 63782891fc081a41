"""Puts runs together that differ in the seed only, and names the differences of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.labels import number_label
from harness.report.results import claims_of
from harness.runs.records import RunRecord, differing
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline

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
        name = number_label(like.metric, like.level)
        if len(self.runs) == 1:
            return Pooled(name, like.value, like.low, like.high, 1)
        same = [e for run in self.runs for e in run.estimates if (e.metric, e.level) == (like.metric, like.level)]
        values = [e.value for e in same if e.value is not None]
        if not values:
            return Pooled(name, None, None, None, 0)
        return Pooled(name, sum(values) / len(values), min(values), max(values), len(values))


def pools(runs: Sequence[RunRecord]) -> list[Pool]:
    """The runs of one experiment; runs that differ in the seed only stand together."""
    found: dict[str, list[RunRecord]] = {}
    for run in runs:
        m = run.manifest
        settings = sorted((k, repr(v)) for k, v in run.settings.items() if k != "seed")
        found.setdefault(repr((m["model"]["name"], m["task"]["name"], settings)), []).append(run)
    return [Pool(those, label_of(those[0], runs)) for those in found.values()]


def label_of(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    """The words that tell a run from others of its experiment and model: its task where tasks differ, then the settings
    that differ among runs of its task, those of the model among runs of its model."""

    def name(part: str, of: RunRecord) -> str:
        return str(of.manifest[part]["name"])

    alike = [one for one in runs if name("task", one) == name("task", run)]
    of_model = differing([one.settings for one in alike if name("model", one) == name("model", run)])
    apart = differing([one.settings for one in alike], ("seed",))
    told = [key for key in apart if key in of_model or not key.startswith("model.")]
    own = {key: "null" if value is None else value for key, value in run.settings.items()}
    tasks = [name("task", run)] if len({name("task", one) for one in runs}) > 1 else []
    return ", ".join([*tasks, *(f"{key.rpartition('.')[2]} {own.get(key, 'not set')}" for key in told[:MOST_SETTINGS])])
