"""A job: one run with all its settings, built and checked."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from harness.config.build import build, check_kind, construct, refuse_unknown
from harness.config.compose import compose
from harness.config.published import read_references
from harness.config.roles import RolePlayer, check_roles, part_of, read_roles, written_roles
from harness.config.settings import check_wordings, setting_texts
from harness.config.values import NO_VALUES
from harness.config.words import GROUPS, key_of
from harness.config.written import written, written_fields
from harness.engines.base import EngineSettings
from harness.engines.fake.engine import Fake
from harness.engines.vllm.opening import opened
from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.metrics.levels import LevelValue
from harness.metrics.metric import Measure, Metric
from harness.models.model import Model
from harness.places.named import named
from harness.statistics.claims import Claim
from harness.statistics.intervals import IntervalKind
from harness.statistics.references import Reference
from harness.tasks.base import Task
from harness.tracker import Tracker
from harness.typed import typed

Fit = Literal["together", "one_at_a_time"]


@dataclass(frozen=True, kw_only=True)
class MetricSettings:
    """The fields of `Metric` that a config gives, besides its name and its measure (`_target_`)."""

    columns: tuple[str, ...]
    by: tuple[str, ...] = ("arm",)
    where: Mapping[str, LevelValue] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    index: str = ""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run, ready to be executed. The fields are the keys of conf/config.yaml, built and checked.

    Attributes:
        name: the experiment's name in conf/experiment, or its class's name.
        config: all settings of all parts as plain values, from which `make_job` makes an equal job. Defaults are
            spelled out: the manifest tells what was run, and two configs that mean the same are the same.
        shard: "i/n", the part of the test items that is asked about; None is all of them.
        roles: models of the parts besides the subject, by "part" or "part.label"; the subject plays the others.
        fit: whether all models are loaded together, or only one at a time where they do not fit.
        metrics: the metrics that the config adds to the experiment's.
    """

    name: str
    config: Mapping[str, Any]
    experiment: Experiment
    task: Task
    model: Model
    engine: EngineSettings
    roles: Mapping[str, RolePlayer]
    fit: Fit
    tracker: Tracker
    seed: Annotated[int, Ge(0)]
    limit: Annotated[int, Ge(1)] | None
    shard: str | None
    runs: Path
    store: Path
    max_failed: Annotated[float, Ge(0), Le(1)]
    replicates: Annotated[int, Ge(2), Le(100_000)]
    interval: IntervalKind
    window: Annotated[int, Ge(1)] | None
    metrics: tuple[Metric, ...]
    claims: tuple[Claim, ...]
    references: tuple[Reference, ...]

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """The experiment's metrics and those added."""
        return (*self.experiment.metrics, *self.metrics)

    @property
    def settings(self) -> Mapping[str, str]:
        """All settings as text by dotted key, as the conditions of published numbers name them."""
        return setting_texts(self.config, self.experiment)


def load_job(
    overrides: Sequence[str],
    config_dir: Path | None = None,
    *,
    values: Mapping[str, Any] = NO_VALUES,
    built: Mapping[str, Any] = NO_VALUES,
) -> Job:
    """Composes conf/config.yaml with Hydra overrides and builds every part of it.

    Args:
        config_dir: a further folder of config groups, for experiments and tasks kept elsewhere.
        values: further settings by dotted key, as Python values.
        built: parts that are built already, by their keys ("experiment", "task"); their classes need no module.

    Raises:
        HarnessError: an unknown group, name or key (with the nearest valid one), or a value of the wrong type.
    """
    hints, made = typing.get_type_hints(Job), {}
    for key, part in built.items():
        check_kind(part, key, hints[key])
        for name in (*map(key_of, overrides), *values):
            if name.startswith(f"{key}."):
                raise HarnessError(f"{name}: {key} is given as a {type(part).__name__}; set it there")
    words = [*overrides]
    if "experiment" in built:
        words.append(f"experiment=built:{type(built['experiment']).__name__}")
    config, name = compose(words, config_dir, {**values, **{key: written(part, key) for key, part in built.items()}})
    for key, part in built.items():
        made[_settings(key, config[key])] = part, config[key]
    return make_job(config, name, made)


def make_job(config: Mapping[str, Any], name: str, made: dict[str, Any]) -> Job:
    """Builds every part of a composed config.

    Args:
        name: the experiment's.
        made: parts made before, by their settings, which are used again; this job's parts are added. Each comes with
            its part of the job's config.

    Raises:
        HarnessError: as `load_job`.
    """
    hints = typing.get_type_hints(Job, include_extras=True)
    known = set(hints) - {"name", "config"}
    refuse_unknown(config, known, "")
    values: dict[str, Any] = {}
    resolved: dict[str, Any] = {}
    for key in known:
        if key not in config:
            raise HarnessError(f"{key}: not set")
        settings = _settings(key, config[key])
        if settings not in made:
            part = _part(key, config[key], hints[key])
            made[settings] = part, _resolved(key, part)
        values[key], resolved[key] = made[settings]
    _name_dry_runs(values, resolved)
    _open(values)
    job = Job(name=name, config={key: resolved[key] for key in hints if key in known}, **values)
    check_roles(job.experiment, job.roles, job.engine)
    check_wordings(job.references, job.experiment)
    return job


def _settings(key: str, node: Any) -> str:
    return f"{key} {node!r}"


def _open(values: dict[str, Any]) -> None:
    """Gives engines that are asked for activations the settings for that; the config stays as it was written."""
    experiment, players = values["experiment"], values["roles"]
    asked = {name: part.capabilities for name, part in experiment.needed_parts().items()}
    here = {part_of(role) for role, player in players.items() if player.engine is None}
    here |= asked.keys() - {part_of(role) for role in players}
    own = (asked.get(part, frozenset()) for part in here)
    values["engine"] = opened(values["engine"], experiment.capabilities().union(*own))
    values["roles"] = {
        role: replace(player, engine=player.engine and opened(player.engine, asked.get(part_of(role), frozenset())))
        for role, player in players.items()
    }


def _name_dry_runs(values: dict[str, Any], resolved: dict[str, Any]) -> None:
    """Marks the names of models that are not asked, because the fake engine answers for them."""
    if isinstance(values["engine"], Fake):
        values["model"] = values["model"].as_dry_run()
        resolved["model"] = written(values["model"], "model")
    players = {
        role: replace(player, model=player.model.as_dry_run())
        if isinstance(player.engine or values["engine"], Fake)
        else player
        for role, player in values["roles"].items()
    }
    if players != values["roles"]:
        values["roles"], resolved["roles"] = players, written_roles(players)


def _part(key: str, node: Any, hint: Any) -> Any:
    if key == "roles":
        return read_roles(typed(node, dict[str, Any], key))
    if key == "metrics":
        return tuple(_metric(name, settings) for name, settings in typed(node, dict[str, dict[str, Any]], key).items())
    if key in GROUPS:
        if not isinstance(node, dict):
            raise HarnessError(f"{key}={node}: choose one by its name, {key}=NAME")
        return build(node, key, typing.cast(type, hint))
    if key == "references" and isinstance(node, str):
        return read_references(node)
    if key in ("claims", "references"):
        kind = Claim if key == "claims" else Reference
        entries = typed(node, list[Mapping[str, Any]], key)
        return tuple(construct(kind, entry, f"{key}[{i}]") for i, entry in enumerate(entries))
    return typed(node, hint, key)


def _resolved(key: str, part: Any) -> Any:
    """A part of a job as a config has it, with every setting spelled out."""
    if key == "roles":
        return written_roles(part)
    if key == "metrics":
        return {metric.name: _written_metric(metric) for metric in part}
    if key in ("claims", "references"):
        return [written_fields(entry, f"{key}[{i}]") for i, entry in enumerate(part)]
    return written(part, key)


def _metric(name: str, node: Mapping[str, Any]) -> Metric:
    """A metric that the config adds: `_target_` names its measure, the other keys are fields of `MetricSettings`."""
    path = f"metrics.{name}"
    target = node.get("_target_")
    if not isinstance(target, str):
        raise HarnessError(f"{path}: no _target_ names the measure; give +{path}._target_=package.module.function")
    found = named(target, f"{path}._target_")
    if not isinstance(found, Measure):
        raise HarnessError(f"{path}._target_: {target} is no measure; decorate it with harness.metrics.metric.measure")
    rest = construct(MetricSettings, {key: value for key, value in node.items() if key != "_target_"}, path)
    return Metric(name, found, rest.columns, rest.by, rest.where, rest.options, rest.index)


def _written_metric(metric: Metric) -> dict[str, Any]:
    function = metric.measure.function
    settings = {f.name: getattr(metric, f.name) for f in dataclasses.fields(MetricSettings)}
    return {
        "_target_": f"{function.__module__}.{function.__qualname__}",
        **written(settings, f"metrics.{metric.name}"),
    }
