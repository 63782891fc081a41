"""Compares finished runs: what keeps them from being comparable, their differences, the items that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from harness.config import Job
from harness.errors import HarnessError, nearest
from harness.metrics.metric import Metric
from harness.runs.loaded import Loaded, value_of
from harness.runs.records import differing, is_dry
from harness.runs.sides import ARM, Pair, Side, along, factors
from harness.statistics.alignment import aligned
from harness.statistics.fates import count_fates
from harness.statistics.few_groups import DOUBTFUL_GROUPS
from harness.statistics.pairs import Contrast, contrast, holm
from harness.statistics.rows import Sample, sample
from harness.tasks.run import RunTask

ALPHA = 0.05
"""Adjusted p below which a difference is called real."""

MORE_LOST = 0.1
"""The share of its answers that one side has more of without a grade, from which on a comparison warns."""


@dataclass(frozen=True, slots=True)
class Change:
    """An item whose label differs between the sides."""

    item: str
    metric: str
    level: Mapping[str, str]
    gained: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second side against the first.

    Attributes:
        about: experiment and task.
        warnings: why the two may not be comparable, each with the keys that differ.
        differ: settings that differ without a warning, because they are being compared.
        changes: of single runs, items whose label changed.
    """

    about: str
    first: Side
    second: Side
    warnings: tuple[str, ...]
    differ: tuple[str, ...]
    contrasts: tuple[Contrast, ...]
    changes: tuple[Change, ...]

    @property
    def sentence(self) -> str:
        """Which differences are real, which may be luck, and of which nothing can be said."""
        judged = [c for c in self.contrasts if c.low is not None and not c.doubt]
        real = [c for c in judged if c.p_holm is not None and c.p_holm < ALPHA]
        luck = len(judged) - len(real)
        undefined = sum(c.value is None for c in self.contrasts)
        doubted = len(self.contrasts) - len(real) - luck - undefined
        named = ", ".join(f"{c.label} {c.value:+.4f}" for c in real)
        parts = [
            f"real (p Holm below {ALPHA:g}): {named}" if real else "no difference is shown to be real",
            f"{luck} may be luck" if luck else "",
            f"{doubted} cannot be judged" if doubted else "",
            f"{undefined} undefined" if undefined else "",
        ]
        return "; ".join(filter(None, parts))


def compare_all(
    wanted: Sequence[Pair], metrics: Sequence[str], *, replicates: int
) -> tuple[list[Comparison], list[str]]:
    """The comparisons of pairs, with p-values adjusted over all of them, and why a pair cannot be compared.

    Raises:
        HarnessError: an unknown metric, or no pair that can be compared.
    """
    found: list[Comparison] = []
    left_out: list[str] = []
    for pair in wanted:
        _check_names(pair.first.runs[0].job, metrics)
        try:
            found.append(compare(pair, metrics, replicates=replicates))
        except HarnessError as error:
            left_out.append(f"{pair.about}: {pair.second.label} against {pair.first.label}: {error}")
    if not found:
        raise HarnessError("; ".join(["nothing to compare", *left_out]))
    return adjusted(found), left_out


def compare(pair: Pair, metrics: Sequence[str], *, replicates: int) -> Comparison:
    """Every named metric at every level that both sides have; without names the metrics of claims, or all.

    Raises:
        HarnessError: an unknown metric, nothing that both have, or no shared item.
    """
    first, second = _on_shared_items(pair.first, pair.second)
    one, two = first.runs[0], second.runs[0]
    contrasts: list[Contrast] = []
    changes: list[Change] = []
    tables = [run.table for run in first.runs], [run.table for run in second.runs]
    chosen, otherwise = _chosen(one.job, two.job, metrics)
    kinds = factors(one)
    for bound in chosen:
        metric = along(bound, kinds) if second.column in kinds else bound
        there = second.levels(metric)
        for level in first.levels(metric):
            column = second.column
            other = level if column is None or column not in level else {**level, column: second.label}
            if other not in there:
                continue
            found = contrast(metric, level, *tables, other=other, replicates=replicates)
            contrasts.append(found)
            # A row of a run about another run's answers is no item whose transcript could stand beside another's.
            if found.gained is not None and not (of_earlier_run(one) or of_earlier_run(two)):
                both = sample(metric, one.table, level), sample(metric, two.table, other)
                changes += _changes(found, *aligned(both).sides)
    if not contrasts:
        raise HarnessError("; ".join([f"{first.label} and {second.label} have no number in common", *otherwise]))
    warnings, differ = _all_reasons(pair.first, pair.second, pair.axis)
    told = (*warnings, *_dry((pair.first, pair.second)), *_ungraded(first, second), *_few(contrasts), *otherwise)
    return Comparison(pair.about, pair.first, pair.second, told, differ, tuple(contrasts), tuple(changes))


def _on_shared_items(first: Side, second: Side) -> tuple[Side, Side]:
    """The sides with the items alone that every run asked about, so that none counts as lost which nobody asked about.

    Raises:
        HarnessError: there is no such item.
    """
    tables = [run.table for side in (first, second) for run in side.runs]
    shared = set.intersection(*(set(table.columns["item"].tolist()) for table in tables))
    if not shared:
        raise HarnessError("the runs share no item")

    def kept(run: Loaded) -> Loaded:
        there = np.array([item in shared for item in run.table.columns["item"]], dtype=bool)
        return run if there.all() else replace(run, table=run.table.where(there))

    one, two = (replace(side, runs=tuple(kept(run) for run in side.runs)) for side in (first, second))
    return one, two


def of_earlier_run(run: Loaded) -> bool:
    """Whether a run asked about the outcomes of another."""
    return isinstance(run.job.task, RunTask)


def adjusted(found: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with p-values adjusted over all of them: one family (Holm)."""
    flat = iter(holm([c.p for one in found for c in one.contrasts]))
    return [replace(one, contrasts=tuple(replace(c, p_holm=next(flat)) for c in one.contrasts)) for one in found]


def _all_reasons(first: Side, second: Side, besides: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`reasons` of two sides: each run of one against the first run of the other. Seeds within a side differ anyway."""
    pairs = [(first.runs[0], run) for run in second.runs] + [(run, second.runs[0]) for run in first.runs[1:]]
    found = [reasons(one, two, besides) for one, two in pairs]
    told = [tuple(dict.fromkeys(text for texts in kind for text in texts)) for kind in zip(*found, strict=True)]
    warnings, differ = told
    return warnings, tuple(text for text in differ if len(pairs) == 1 or not text.startswith("seed: "))


def reasons(one: Loaded, two: Loaded, besides: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Why two runs may not be comparable, and their other differences, without `besides`, the ones that are the
    point."""
    a, b = one.record.manifest, two.record.manifest
    imported = [_imported(run) for run in (one, two) if run.record.manifest.get("status") == "imported"]
    warnings, differ = [*imported], []
    items = [set(run.table.columns["item"]) for run in (one, two)]
    if a["task"].get("fingerprint") != b["task"].get("fingerprint") and not (imported and items[0] == items[1]):
        both, sizes = len(items[0] & items[1]), " and ".join(str(len(i)) for i in items)
        warnings.append(f"other items: the runs have {sizes}, and share {both}; only these are compared")
    kinds = {
        "experiment": "another protocol",
        "task": "another task",
        "roles": "another judge or other role",
        "metrics": "another metric of one's own",
    }
    for key in differing([one.settings, two.settings]):
        if imported and key not in ("task.name", "model.name"):
            continue  # the settings of another harness are in its own words
        told = f"{key}: {value_of(one, key)} against {value_of(two, key)}"
        kind = kinds.get(key.partition(".")[0])
        if key in besides or kind is None or key in ("limit", "seed"):
            differ.append(told)
        else:
            warnings.append(f"{kind}: {told}")
    if not imported and a["model"]["name"] == b["model"]["name"] and a.get("prompts") != b.get("prompts"):
        warnings.append("prompts are written in another way: see `prompts` in both manifests")
    versions = [(run.get("git") or {}).get("commit") for run in (a, b)]
    if versions[0] != versions[1]:
        differ.append(f"version of the harness: {_short(versions[0])} against {_short(versions[1])}")
    return warnings, differ


def _imported(run: Loaded) -> str:
    """The warning about a run of another harness."""
    source = run.record.manifest.get("imported") or {}
    return (
        f"imported: {run.record.path.name} is of {source.get('format')} {source.get('version')}, whose prompts and "
        "grading are its own"
    )


def _dry(sides: Sequence[Side]) -> list[str]:
    dry = any(is_dry(run.record.manifest) for side in sides for run in side.runs)
    return ["dry run: no model was asked, so that these numbers mean nothing"] if dry else []


def _ungraded(first: Side, second: Side) -> list[str]:
    """The warning that one side has many more answers that could not be graded, in the arm where it has most."""
    lost = [_lost(first), _lost(second)]
    most = max(lost[0].keys() & lost[1].keys(), key=lambda arm: abs(lost[1][arm] - lost[0][arm]), default=None)
    if most is None or abs(lost[1][most] - lost[0][most]) < MORE_LOST:
        return []
    return [
        f"{lost[1][most]:.0%} of the answers of {second.label}{f' ({most})' if most else ''} could not be graded, and "
        f"{lost[0][most]:.0%} of those of {first.label}: they count as wrong, so that a difference may be one of form, "
        "length or refusals; metrics that end in _answered leave them out"
    ]


def _lost(side: Side) -> dict[str, float]:
    """The share of answers that could not be graded, by arm; of a side that is an arm, under ""."""
    found: dict[str, list[float]] = {}
    for run in side.runs:
        for one in count_fates(run.table):
            if side.column != ARM or one.arm == side.label:
                found.setdefault("" if side.column == ARM else one.arm, []).append(one.lost)
    return {arm: sum(shares) / len(shares) for arm, shares in found.items()}


def _few(contrasts: Sequence[Contrast]) -> list[str]:
    groups = min(c.n_groups for c in contrasts)
    if groups >= DOUBTFUL_GROUPS:
        return []
    return [
        f"only {groups} groups of items: below {DOUBTFUL_GROUPS} the intervals are rough, and small p are seen by luck"
    ]


def _check_names(job: Job, names: Sequence[str]) -> None:
    known = [metric.name for metric in job.all_metrics if metric.measure.interval]
    for name in names:
        if name != "all" and name not in known:
            raise HarnessError(f"there is no metric {name!r}{nearest(name, known)}")


def _chosen(one: Job, two: Job, names: Sequence[str]) -> tuple[list[Metric], list[str]]:
    """The metrics to compare, and why others cannot be."""
    known = {metric.name: metric for metric in one.all_metrics if metric.measure.interval}
    if "all" in names:
        names = list(known)
    names = names or [name for name in known if name in {claim.metric for claim in one.claims}] or list(known)
    others = {metric.name: metric for metric in two.all_metrics}
    otherwise = []
    for name in names:
        a, b = known[name], others.get(name)
        if b is not None and a != b:
            how = [f.name for f in fields(Metric) if getattr(a, f.name) != getattr(b, f.name)]
            what = "; ".join(f"{key} {_defined(a, key)} against {_defined(b, key)}" for key in how)
            otherwise.append(f"metric {name!r} is another in the two runs and left out: {what}")
    return [known[name] for name in names if known[name] == others.get(name)], otherwise


def _defined(metric: Metric, key: str) -> str:
    return metric.measure.function.__qualname__ if key == "measure" else repr(getattr(metric, key))


def _changes(found: Contrast, one: Sample, two: Sample) -> list[Change]:
    first, second = (dict(zip(s.items, s.values[0], strict=True)) for s in (one, two))
    return [
        Change(str(item), found.metric, found.level, bool(second[item] > first[item]))
        for item in sorted(first)
        if first[item] != second[item]
    ]


def _short(commit: str | None) -> str:
    return commit[:8] if commit else "unknown"
