"""Compares finished runs: what keeps them from being comparable, their differences, the items that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from harness.arms import ArmedExperiment
from harness.config import Job, flat, make_job
from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_text
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.runs.records import RunRecord, by_first_item, load_record, load_table, stored_config
from harness.statistics.alignment import aligned
from harness.statistics.pairs import Contrast, contrast, holm
from harness.statistics.rows import Sample, levels, levels_with_points, sample
from harness.tasks.run import RunTask

ARM = "arm"
"""The outcome column that tells the arms of a run apart."""

AXES: Mapping[str, str] = {
    "model": "model.name",
    "task": "task.name",
    "experiment": "experiment",
    "seed": "seed",
    "engine": "engine._target_",
    "dtype": "engine.dtype",
}
"""Short names of settings that runs can be grouped by; any other dotted key of the config will do."""

_BESIDES = frozenset(
    {"runs", "store", "tracker", "window", "claims", "references", "replicates", "interval", "max_failed", "shard"}
)
"""Settings that change no outcome."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run with its outcomes and the metrics that apply to them.

    Attributes:
        table: the outcomes. Where the run asked about the outcomes of another (task=run), "item" is the item of the
            first run, by which its rows are paired with those of other runs.
    """

    record: RunRecord
    table: Table
    job: Job

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that can change an outcome, by dotted key."""
        settings = dict(flat({k: v for k, v in self.record.manifest["config"].items() if k not in _BESIDES}))
        return {**settings, "experiment": str(self.record.manifest["experiment"])}


@dataclass(frozen=True, slots=True)
class Side:
    """Runs that are compared as one: a single one, or several that differ in the seed.

    Attributes:
        label: its label among the sides.
        column: the outcome column that tells the sides of one run apart, whose value is then `label`; None where sides
            are different runs.
    """

    label: str
    runs: tuple[Loaded, ...]
    column: str | None = None

    def levels(self, metric: Metric) -> list[dict[str, str]]:
        """The levels of a metric that all runs of this side have."""
        there = [levels_with_points(metric, run.table) for run in self.runs]
        own = [one for one in there[0] if self.column is None or one.get(self.column) == self.label]
        return [level for level in own if all(level in others for others in there)]


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
        warnings: why the two may not be comparable, each with the keys that differ.
        differ: settings that differ without a warning, because they are being compared.
        changes: of single runs, items whose label changed.
    """

    first: Side
    second: Side
    warnings: tuple[str, ...]
    differ: tuple[str, ...]
    contrasts: tuple[Contrast, ...]
    changes: tuple[Change, ...]


def load_run(path: Path) -> Loaded:
    """Reads a run directory with its outcomes.

    Raises:
        HarnessError: it is incomplete, damaged, or from another version; the message names the file.
    """
    record = load_record(path)
    try:
        job = make_job(stored_config(record), str(record.manifest["experiment"]), {})
    except HarnessError as error:
        raise HarnessError(f"{path / 'manifest.json'}: {error}; it is of another version: run it again") from error
    return Loaded(record, by_first_item(record, load_table(record, job.all_metrics)), job)


def sides(runs: Sequence[Loaded], group_by: str | None) -> list[Side]:
    """The sides: every run by itself, or one for each value of a setting or of an outcome column.

    A column is one by which metrics are estimated (the arm, a turn), or a factor of the arms.

    Raises:
        HarnessError: fewer than two sides, an unknown setting, or runs of one side that differ in more than the seed.
    """
    if group_by is None:
        labels = _labels(runs)
        return _two([Side(label, (run,)) for label, run in zip(labels, runs, strict=True)])
    key = AXES.get(group_by, group_by)
    if all(key not in run.settings for run in runs):
        return _within(runs, group_by)
    found: dict[str, list[Loaded]] = {}
    names = _model_names(runs) if key == "model.name" else {}
    for run in runs:
        if key not in run.settings:
            raise HarnessError(f"--group-by {group_by}: {run.record.path} has no setting {key}")
        value = names.get(_model(run), run.settings[key])
        found.setdefault(level_text(value) if isinstance(value, LevelValue) else str(value), []).append(run)
    for value, those in found.items():
        check_seeds(f"--group-by {group_by}: the {len(those)} runs of {value}", those)
    return _two([Side(value, tuple(those)) for value, those in found.items()])


def _model(run: Loaded) -> tuple[str, str]:
    """The name of a run's model, and what was loaded."""
    parts = [str(run.settings.get(f"model.{key}") or "") for key in ("source", "revision", "adapter")]
    return str(run.settings.get("model.name")), "@".join(parts)


def named_models(runs: Sequence[Loaded]) -> dict[int, str]:
    """What to call the model of each run, by the run's `id`: see `_model_names`."""
    names = _model_names(runs)
    return {id(run): names[_model(run)] for run in runs}


def _model_names(runs: Sequence[Loaded]) -> dict[tuple[str, str], str]:
    """A name for each run's model: its own, with the end of its source if several share it."""
    models = list(dict.fromkeys(_model(run) for run in runs))
    called: dict[tuple[str, str], str] = {}
    for name, source in models:
        others = [other for same, other in models if same == name and other != source]
        called[name, source] = f"{name} ({_end(source, others)})" if others else name
    return called


def _end(source: str, others: Sequence[str]) -> str:
    """The shortest end of a source, in whole parts of its path, that no other source has."""
    whole = source.rstrip("@").rstrip("/")
    parts = whole.split("/")
    ends = ["/".join(parts[-n:]) for n in range(1, len(parts) + 1)]
    rest = [other.rstrip("@").rstrip("/") for other in others]
    return next((end for end in ends if not any(f"/{other}".endswith(f"/{end}") for other in rest)), whole)


def _within(runs: Sequence[Loaded], column: str) -> list[Side]:
    """The values of an outcome column as sides of the same runs."""
    factors = _factors(runs[0])
    known = dict.fromkeys([*(by for metric in runs[0].job.all_metrics for by in metric.by), *factors])
    if column not in known:
        raise HarnessError(
            f"--group-by {column}: neither a setting of the runs nor a column of their outcomes by which they are told "
            f"apart{nearest(column, known)}"
        )
    check_seeds(f"--group-by {column}: the {len(runs)} runs", runs)
    told = [metric for metric in runs[0].job.all_metrics if column in {*metric.by, *_along(metric, factors).by}]
    alike = [replace(metric, by=(column,)) for metric in told]
    names = dict.fromkeys(level[column] for metric in alike for run in runs for level in levels(metric, run.table))
    return _two([Side(name, tuple(runs), column) for name in names])


def _factors(run: Loaded) -> tuple[str, ...]:
    """The factors of the arms of a run's experiment."""
    experiment = run.job.experiment
    return tuple(experiment.factor_kinds()) if isinstance(experiment, ArmedExperiment) else ()


def _along(metric: Metric, factors: Sequence[str]) -> Metric:
    """The metric at every combination of factors, not at every arm: arms that differ in one factor are then pairs."""
    by = [column for one in metric.by for column in (factors if one == ARM and factors else (one,))]
    return replace(metric, by=tuple(dict.fromkeys(by)))


def check_seeds(what: str, runs: Sequence[Loaded]) -> None:
    """Raises HarnessError, beginning with `what`, for runs that are not several seeds of one run."""
    others = _differing(runs, besides=("seed",))
    seeds = [run.settings["seed"] for run in runs]
    if others or len(set(seeds)) < len(seeds):
        differ = f"in {', '.join(others)}, too" if others else "in nothing"
        raise HarnessError(f"{what} differ {differ}; one side may hold several seeds of one run only: name fewer runs")


def _two(found: list[Side]) -> list[Side]:
    if len(found) < 2:
        raise HarnessError("nothing to compare: give at least two runs, or a --group-by in which they differ")
    return found


def compare(
    first: Side, second: Side, metrics: Sequence[str], *, replicates: int, seed: int, besides: Sequence[str] = ()
) -> Comparison:
    """Every named metric at every level that both sides have; without names those that claims are about, or all.

    Args:
        besides: settings whose difference is the point (the axis of the grouping).

    Raises:
        HarnessError: an unknown metric, nothing that both have, or no shared item.
    """
    one, two = first.runs[0], second.runs[0]
    contrasts: list[Contrast] = []
    changes: list[Change] = []
    tables = [run.table for run in first.runs], [run.table for run in second.runs]
    chosen, otherwise = _chosen(one.job, two.job, metrics)
    factors = _factors(one)
    for bound in chosen:
        metric = _along(bound, factors) if second.column in factors else bound
        there = second.levels(metric)
        for level in first.levels(metric):
            column = second.column
            other = level if column is None or column not in level else {**level, column: second.label}
            if other not in there:
                continue
            found = contrast(metric, level, *tables, other=other, replicates=replicates, seed=seed)
            contrasts.append(found)
            # A row of a run about another run's answers is no item whose transcript could stand beside another's.
            if found.gained is not None and not (of_earlier_run(one) or of_earlier_run(two)):
                both = sample(metric, one.table, level), sample(metric, two.table, other)
                changes += _changes(found, *aligned(both).sides)
    if not contrasts:
        raise HarnessError("; ".join([f"{first.label} and {second.label} have no number in common", *otherwise]))
    warnings, differ = _all_reasons(first, second, besides)
    return Comparison(first, second, (*warnings, *otherwise), differ, tuple(contrasts), tuple(changes))


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
    """Why two runs may not be comparable, and in what else they differ (`besides`: those told as the point)."""
    a, b = one.record.manifest, two.record.manifest
    warnings, differ = [], []
    if a["task"].get("fingerprint") != b["task"].get("fingerprint"):
        items = [set(run.table.columns["item"]) for run in (one, two)]
        both, sizes = len(items[0] & items[1]), " and ".join(str(len(i)) for i in items)
        warnings.append(f"other items: the runs have {sizes}, and share {both}; only these are compared")
    kinds = {
        "experiment": "another protocol",
        "task": "another task",
        "roles": "another judge or other role",
        "metrics": "another metric of one's own",
    }
    for key in _differing([one, two]):
        told = f"{key}: {_value(one, key)} against {_value(two, key)}"
        kind = kinds.get(key.partition(".")[0])
        if key in besides or kind is None or key in ("limit", "seed"):
            differ.append(told)
        else:
            warnings.append(f"{kind}: {told}")
    if a["model"]["name"] == b["model"]["name"] and a.get("prompts") != b.get("prompts"):
        warnings.append("prompts are written in another way: see `prompts` in both manifests")
    versions = [(run.get("git") or {}).get("commit") for run in (a, b)]
    if versions[0] != versions[1]:
        differ.append(f"version of the harness: {_short(versions[0])} against {_short(versions[1])}")
    for run in (one, two):
        if run.record.manifest.get("status") != "finished":
            warnings.append(f"{run.record.path.name} is {run.record.manifest.get('status')}, and not finished")
    return warnings, differ


def _chosen(one: Job, two: Job, names: Sequence[str]) -> tuple[list[Metric], list[str]]:
    """The metrics to compare, and why others cannot be."""
    known = {metric.name: metric for metric in one.all_metrics if metric.measure.interval}
    for name in names:
        if name != "all" and name not in known:
            raise HarnessError(f"--metric {name}: there is none of that name (there are: {', '.join(known)})")
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


def _labels(runs: Sequence[Loaded]) -> list[str]:
    """Labels that tell runs apart: their names if these differ in one setting, else the folder."""
    differing = _differing(runs)
    keys = [key for key in ("experiment", "task.name", "model.name", "seed") if key in differing]
    labels = [" ".join(_value(run, key, name=key == "seed") for key in keys) for run in runs]
    if len(set(labels)) < len(labels) or not all(labels):
        labels = [run.record.path.name for run in runs]
    if len(set(labels)) < len(labels):
        labels = [str(run.record.path) for run in runs]
    return labels


def _value(run: Loaded, key: str, *, name: bool = False) -> str:
    value = str(run.settings.get(key, "not set"))
    return f"{key} {value}" if name else value


def _differing(runs: Sequence[Loaded], besides: Iterable[str] = ()) -> list[str]:
    """Dotted keys of settings that are not the same in all runs."""
    settings = [run.settings for run in runs]
    keys = dict.fromkeys(key for one in settings for key in one)
    return [key for key in keys if key not in besides and len({repr(one.get(key)) for one in settings}) > 1]


def _short(commit: str | None) -> str:
    return commit[:8] if commit else "unknown"
