"""Which runs are compared with which: seeds make one side, and sides of one experiment on one task make pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.arms import ArmedExperiment
from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue, level_text
from harness.metrics.metric import Metric
from harness.runs.loaded import Loaded, value_of
from harness.runs.records import differing
from harness.statistics.rows import levels, levels_with_points

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

MOST_NAMED = 3
"""Settings that a side's label may name; where more differ, the folder of the run is shorter."""


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
class Pair:
    """Two sides to compare.

    Attributes:
        about: experiment and task.
        axis: the settings whose difference is the point.
    """

    about: str
    first: Side
    second: Side
    axis: tuple[str, ...] = ()


def pairs(
    runs: Sequence[Loaded], group_by: str | None = None, baseline: str | None = None
) -> tuple[list[Pair], list[str]]:
    """What to compare, within each experiment and task, and a line for each run that no other can be compared with.

    Runs that differ in nothing but the seed are one side, unless there is no other side. Without a grouping every side
    is compared with the first. Grouped by a setting, each is compared with that side of the first value from which it
    differs in the fewest other settings. Grouped by an outcome column (the arm, a turn) or by a factor of the arms, the
    sides are parts of the same runs.

    Args:
        baseline: the label, folder or name of a run of the side that the others are compared with.

    Raises:
        HarnessError: nothing to compare, an unknown setting, or a baseline that is no side.
    """
    key = AXES.get(group_by, group_by) if group_by is not None else None
    _check_key(runs, group_by, key)
    within = key is not None and all(key not in run.settings for run in runs)
    found: list[Pair] = []
    alone: list[str] = []
    known: list[str] = []
    for about, those in _by_kind(runs, key).items():
        groups = [_within(pool, str(key)) for pool in _pooled(those)] if within else [_sides(those, key)]
        for group in groups:
            known += [side.label for side in group]
            made = _paired(about, group, None if within else key, baseline)
            if made:
                found += made
            else:
                alone.append(f"{about}: nothing to compare {_named(those)} with")
    if baseline is not None and not any(_called(pair.first, baseline) for pair in found):
        raise HarnessError(
            f"--baseline {baseline}: no side is called that (there are: {', '.join(dict.fromkeys(known))})"
        )
    if not found:
        raise HarnessError("; ".join(["nothing to compare", *alone, _advice(runs, group_by)]))
    return found, alone


def _advice(runs: Sequence[Loaded], group_by: str | None) -> str:
    for axis in ("experiment", "task"):
        if group_by != axis and AXES[axis] in differing([run.settings for run in runs]):
            return f"runs of different {axis}s are compared with --group-by {axis}"
    return "give at least two runs, or a --group-by in which they differ"


def _named(runs: Sequence[Loaded]) -> str:
    return str(runs[0].record.path) if len(runs) == 1 else f"its {len(runs)} runs"


def _check_key(runs: Sequence[Loaded], group_by: str | None, key: str | None) -> None:
    if key is None:
        return
    having = [run for run in runs if key in run.settings]
    if having and len(having) < len(runs):
        without = next(run for run in runs if key not in run.settings)
        raise HarnessError(f"--group-by {group_by}: {without.record.path} has no setting {key}")
    if having:
        return
    known = dict.fromkeys(c for run in runs for c in [*(by for m in run.job.all_metrics for by in m.by), *factors(run)])
    if key not in known:
        raise HarnessError(
            f"--group-by {key}: neither a setting of the runs nor a column of their outcomes by which they are told "
            f"apart{nearest(key, known)}"
        )


def _by_kind(runs: Sequence[Loaded], key: str | None) -> dict[str, list[Loaded]]:
    """The runs by experiment and task; by only one of them where the other is the axis."""
    found: dict[str, list[Loaded]] = {}
    for run in runs:
        experiment = "" if key == "experiment" else run.settings["experiment"]
        task = "" if (key or "").startswith("task.") else value_of(run, "task.name")
        found.setdefault(" on ".join(filter(None, (experiment, task))), []).append(run)
    return found


def _pooled(runs: Sequence[Loaded]) -> list[list[Loaded]]:
    """The runs that differ in nothing but the seed, together; a seed that is there twice keeps its group apart."""
    found: list[list[Loaded]] = []
    for run in runs:
        pool = next((one for one in found if not differing([one[0].settings, run.settings], ("seed",))), None)
        if pool is None:
            found.append([run])
        else:
            pool.append(run)
    apart: list[list[Loaded]] = []
    for pool in found:
        seeds = {run.settings["seed"] for run in pool}
        apart += [pool] if len(seeds) == len(pool) else [[run] for run in pool]
    return apart


def _sides(runs: Sequence[Loaded], key: str | None) -> list[Side]:
    """One side for each set of seeds; where that is the only one, one for each seed."""
    pools = [[run] for run in runs] if key == "seed" else _pooled(runs)
    if len(pools) == 1 and key is None:
        pools = [[run] for run in runs]
    labels = _labels([pool[0] for pool in pools], key)
    return [Side(label, tuple(pool)) for label, pool in zip(labels, pools, strict=True)]


def _paired(about: str, sides: Sequence[Side], key: str | None, baseline: str | None) -> list[Pair]:
    """Each side with the one that it is compared with."""
    named = [side for side in sides if _called(side, baseline)]
    if not sides or (baseline is not None and not named):
        return []
    base = (named or sides)[0]
    if key is None:
        return [Pair(about, base, side) for side in sides if side is not base]

    def of(side: Side) -> str:
        return repr((side.runs[0].settings[key], _model(side.runs[0]) if key == AXES["model"] else None))

    firsts = named or [side for side in sides if of(side) == of(base)]
    return [
        Pair(about, min(firsts, key=lambda one: _apart(one, side)), side, (key,))
        for side in sides
        if of(side) != of(base)
    ]


def _apart(one: Side, two: Side) -> int:
    """In how many settings two sides differ; another set of seeds is one more."""
    seeds = [{run.settings["seed"] for run in side.runs} for side in (one, two)]
    return len(differing([one.runs[0].settings, two.runs[0].settings], ("seed",))) + (seeds[0] != seeds[1])


def _called(side: Side, name: str | None) -> bool:
    paths = {str(run.record.path) for run in side.runs} | {run.record.path.name for run in side.runs}
    return name is not None and name.rstrip("/") in {side.label, *paths}


def _within(runs: Sequence[Loaded], column: str) -> list[Side]:
    """The values of an outcome column as sides of the same runs."""
    kinds = factors(runs[0])
    told = [metric for metric in runs[0].job.all_metrics if column in {*metric.by, *along(metric, kinds).by}]
    alike = [replace(metric, by=(column,)) for metric in told]
    names = dict.fromkeys(level[column] for metric in alike for run in runs for level in levels(metric, run.table))
    return [Side(name, tuple(runs), column) for name in names]


def factors(run: Loaded) -> tuple[str, ...]:
    """The factors of the arms of a run's experiment."""
    experiment = run.job.experiment
    return tuple(experiment.factor_kinds()) if isinstance(experiment, ArmedExperiment) else ()


def along(metric: Metric, kinds: Sequence[str]) -> Metric:
    """The metric at every combination of factors, not at every arm: arms that differ in one factor are then pairs."""
    by = [column for one in metric.by for column in (kinds if one == ARM and kinds else (one,))]
    return replace(metric, by=tuple(dict.fromkeys(by)))


def _labels(runs: Sequence[Loaded], key: str | None) -> list[str]:
    """Labels that tell runs apart: their names, with the few settings in which they differ besides, else the folder."""
    models = _model_names(runs)
    apart = differing([run.settings for run in runs])
    main = [one for one in dict.fromkeys((key, "experiment", "task.name", "model.name", "seed")) if one in apart]
    if len(set(models.values())) > 1 and "model.name" not in main:
        main.append("model.name")

    def named(run: Loaded, one: str) -> str:
        if one == "model.name":
            return models[_model(run)]
        value = run.settings.get(one, "not set")
        text = level_text(value) if isinstance(value, LevelValue) else str(value)
        return text if one in (key, "experiment", "task.name") and one != "seed" else f"{one.rpartition('.')[2]} {text}"

    folded = tuple(f"{one.partition('.')[0]}." for one in main if "." in one)
    rest = [one for one in apart if one not in main and not one.startswith(folded)]
    for keys in (main, [*main, *rest] if len(rest) <= MOST_NAMED else main):
        labels = [" ".join(named(run, one) for one in keys) for run in runs]
        if len(set(labels)) == len(labels) and all(labels):
            return labels
    folders = [run.record.path.name for run in runs]
    return folders if len(set(folders)) == len(folders) else [str(run.record.path) for run in runs]


def _model(run: Loaded) -> tuple[str, str]:
    """The name of a run's model, and the weights that were loaded."""
    parts = [str(run.settings.get(f"model.{key}") or "") for key in ("source", "revision", "adapter")]
    return value_of(run, "model.name"), "@".join(parts)


def named_models(runs: Sequence[Loaded]) -> dict[int, str]:
    """The name of each run's model by the run's `id`, with the end of its source if several share it."""
    names = _model_names(runs)
    return {id(run): names[_model(run)] for run in runs}


def check_seeds(what: str, runs: Sequence[Loaded]) -> None:
    """Raises HarnessError, beginning with `what`, for runs that are not several seeds of one run."""
    others = differing([run.settings for run in runs], ("seed",))
    seeds = [run.settings["seed"] for run in runs]
    if others or len(set(seeds)) < len(seeds):
        differ = f"in {', '.join(others)}, too" if others else "in nothing"
        raise HarnessError(f"{what} differ {differ}; one side may hold several seeds of one run only: name fewer runs")


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
