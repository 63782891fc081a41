"""Composes and checks every cell of a grid `a=1,2 b=x,y`, as Hydra would, before anything is started."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.config import (
    GROUPS,
    Job,
    check_words,
    compose_raw,
    explained,
    finished,
    free,
    hydra_at,
    make_job,
    models_apart,
    parsed,
)
from harness.engines.pool import Wanted
from harness.errors import HarnessError
from harness.execution.checks import prepare_items, run_folder
from harness.execution.loading import models
from harness.runs.directory import config_digest
from harness.sweep.folder import Cell

if TYPE_CHECKING:
    from omegaconf import DictConfig


@dataclass(frozen=True, slots=True)
class Planned:
    """A cell and its needs.

    Attributes:
        engines: engines to load for it, the subject's first.
        config: resolved; for `pack_by`.
    """

    cell: Cell
    engines: tuple[Wanted, ...]
    config: Mapping[str, Any]


def is_hydra(override: str) -> bool:
    """Whether an override is about the launching and not about the runs."""
    return override.lstrip("+~").startswith(("hydra.", "hydra/"))


def plan_cells(overrides: Sequence[str], config_dir: Path | None = None, shards: int = 1) -> list[Planned]:
    """Composes, builds and checks every cell of a grid.

    Repeated work is done once. Config files are composed once for every combination of groups, parts are built once for
    every value, and items are read once for every experiment on a task.

    Args:
        shards: engines that share the items of every cell; above 1 each cell is followed by its shards.

    Raises:
        HarnessError: a cell that could not run, with its overrides; or two cells that are the same run.
    """
    composer = Composer()
    planned: list[Planned] = []
    with hydra_at(config_dir):
        for fixed, swept in combinations(overrides):
            index = len(planned)
            try:
                whole = composer.cell(index, fixed, swept)
                planned.append(whole)
                for i in range(shards if shards > 1 else 0):
                    part = (*swept, f"shard={i}/{shards}")
                    planned.append(composer.cell(len(planned), fixed, part, whole=index))
            except HarnessError as error:
                raise HarnessError(f"cell {index} ({' '.join(swept) or 'the only one'}): {error}") from error
    _refuse_twins([p.cell for p in planned])
    return planned


def combinations(overrides: Sequence[str]) -> list[tuple[list[str], tuple[str, ...]]]:
    """Every cell as the common settings and the swept ones; inside of `hydra_at` only.

    Sweeps are Hydra's: `a=1,2`, `range(0,5)`, `choice(x,y)`, `glob(*)` of a group. Of two overrides of the same key
    the last holds.

    Raises:
        HarnessError: a sweep that has no list of values, as `interval(0,1)`, or of Hydra's own settings.
    """
    check_words(overrides)
    lists: dict[str, list[str]] = {}
    for text in overrides:
        override = parsed(text)
        key = override.get_key_element()
        if models := models_apart(text):
            lists[text.partition("=")[0]] = models
        elif not override.is_sweep_override():
            lists[key] = [text]
        elif not override.is_discrete_sweep():
            raise HarnessError(f"{text}: a grid needs a list of values, as {key}=0,1 or {key}=range(0,5)")
        else:
            lists[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            if not lists[key]:
                raise HarnessError(f"{text}: nothing matches")
    fixed = [values[0] for values in lists.values() if len(values) == 1]
    return [(fixed, cell) for cell in itertools.product(*(values for values in lists.values() if len(values) > 1))]


@dataclass
class Composer:
    """Composes cells one after another, keeping what several of them share.

    Attributes:
        bases: configs by the overrides behind them, unresolved, and Hydra's own.
        values: parsed values of overrides. made: built parts, see `make_job`. checked: combinations of parts whose
            items were read.
    """

    bases: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = field(default_factory=dict)
    values: dict[str, tuple[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)

    def cell(
        self,
        index: int,
        fixed: Sequence[str],
        swept: Sequence[str],
        *,
        whole: int | None = None,
    ) -> Planned:
        """Composes and checks one cell.

        Raises:
            HarnessError: it could not run.
        """
        config, name = self.compose(fixed, swept)
        job = make_job(config, name, self.made)
        self.check(job)
        folder, digest = str(run_folder(job)), config_digest(job.config)
        cell = Cell(index, (*fixed, *swept), tuple(swept), name, folder, digest, whole)
        return Planned(cell, tuple(models(job).values()), job.config)

    def compose(self, fixed: Sequence[str], swept: Sequence[str]) -> tuple[dict[str, Any], str]:
        """The resolved config and the experiment's name, exactly as `compose` of all overrides gives them.

        Files are only read anew for another choice of groups: a swept plain value is put into a copy, by the call that
        Hydra itself makes. Where a fixed override touches the same key their order matters, and Hydra does it all.
        """
        plain_ones = [word for word in swept if self._is_value(word, fixed)]
        key = (*fixed, *(word for word in swept if word not in plain_ones))
        if key not in self.bases:
            self.bases[key] = compose_raw(key)
        base, hydra = self.bases[key]
        from omegaconf import OmegaConf

        config = copy.deepcopy(base)
        with explained():
            for word in plain_ones:
                target, value = self._parsed(word)
                OmegaConf.update(config, target, value, merge=True, force_add=True)
        return finished((config, hydra), [*fixed, *swept])

    def check(self, job: Job) -> None:
        """Checks that the parts go together and that there are items, once for each combination.

        Raises:
            HarnessError: as `prepare_items`.
        """
        parts = ("experiment", "task", "engine", "limit", "shard", "claims", "references")
        combination = repr([job.config[part] for part in parts])
        if combination not in self.checked:
            prepare_items(job)
            self.checked.add(combination)

    @staticmethod
    def _is_value(word: str, fixed: Sequence[str]) -> bool:
        """Whether an override sets a plain value that no fixed override has to do with."""
        if not free(word).startswith("++") or word.startswith("+"):
            return False
        key = f"{word.partition('=')[0]}."
        others = (f"{other.lstrip('+~').partition('=')[0]}." for other in fixed)
        return not any(key.startswith(other) or other.startswith(key) for other in others if other[:-1] not in GROUPS)

    def _parsed(self, word: str) -> tuple[str, Any]:
        if word not in self.values:
            override = parsed(word)
            self.values[word] = override.key_or_group, override.value()
        target, value = self.values[word]
        return target, copy.deepcopy(value)


def _refuse_twins(cells: Sequence[Cell]) -> None:
    seen: dict[str, Cell] = {}
    for cell in cells:
        if (other := seen.setdefault(cell.folder, cell)) is not cell:
            raise HarnessError(
                f"cells {other.index} ({other.label}) and {cell.index} ({cell.label}) are the same run, {cell.folder}: "
                "what differs between them changes no outcome; leave one out"
            )
