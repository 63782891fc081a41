"""The task: activities of units as the authors released them, or those of a network whose couplings are known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import HarnessError, Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.rows import files_in, read_file

LOW = ("depressed mood", "low self-esteem", "negativity bias", "guilt", "risk-aversion", "self-destruction")
HIGH = ("manic mood", "grandiosity", "positivity bias", "lack of remorse", "risk-seeking", "hostility")
NAMES = (*LOW, *HIGH)
"""The paper's twelve units, in the order of the release's lists; the i-th of each are one dimension."""

INDIRECT = (
    ("emotion", "energy", "motivation"),
    ("self-importance", "self-efficacy", "confidence"),
    ("attentional bias", "interpretive bias", "behavioral bias"),
    ("attribution bias", "reparative behavior", "submission/manipulation"),
    ("reward sensitivity", "planning", "risk-taking behavior"),
    ("punitive schema", "explosiveness", "aggression"),
)
"""The release's names of the questions of each dimension, besides those named as the units themselves."""

DIMENSION: Mapping[str, int] = {query: i for i, some in enumerate(INDIRECT) for query in (*some, LOW[i], HIGH[i])}
POLES: Mapping[str, str] = {**dict.fromkeys(LOW, "low"), **dict.fromkeys(HIGH, "high")}
PHASES: Mapping[str, str] = {"phase_3": "on", "phase_4": "off"}
OTHER_NAMES: Mapping[str, str] = {"negative bias": "negativity bias", "self-harm": "self-destruction"}
"""Names of the paper that differ from those of its data."""


@dataclass(frozen=True, kw_only=True)
class ReleasedUnits(Task):
    """Dialogues of a model with itself as the authors released them: data/ORG/MODEL/spread_eval_v4/outcome_v4.1.zip in
    github.com/syleeheal/Machine_Psychopathology, unpacked. Without a path, dialogues of a network whose couplings are
    known, which says nothing about any model.

    A dialogue is a sample of a pushed unit. At each step its units' activities are, for each dimension, the largest
    over the dimension's questions, summed over the dimensions, as in the paper. An item's fields are "unit", "sample",
    "steps", "phases" and "activity" (steps x twelve units). Dialogues of one pushed unit are a group. Without gold.

    Attributes:
        path: the file outcome_v4.1.csv, or its folder.
        coupling: of the known network: what a unit passes on to those of its pole at each step, as a share.
        seed: of the known network.
    """

    version: ClassVar[str] = "1"
    name: str = "released_units"
    path: str | None = None
    coupling: float = 0.01
    seed: int = 0

    def load(self) -> list[Item]:
        if self.path is None:
            return [*known_network(self.coupling, self.seed)]
        return [item for file in files_in(self.path, ("outcome_v*.csv", "*.csv")) for item in released(file)]

    def source(self) -> str:
        return "" if self.path is None else "github.com/syleeheal/Machine_Psychopathology, MIT"


def released(file: Path) -> Iterator[Item]:
    """The dialogues of one model.

    Raises:
        HarnessError: a column is missing, or a row has an unknown unit, question or phase, or not twelve numbers.
    """
    rows = read_file(file)
    names = ("sample_id", "itv_thought", "step", "itv_type", "query", "sae_preds")
    found: dict[tuple[str, int], dict[int, NDArray[np.float64]]] = {}
    phases: dict[int, str] = {}
    for at, values in enumerate(zip(*(rows.column(name) for name in names), strict=True)):
        try:
            sample, unit, step, kind, query, given = values
            numbers = np.array(json.loads(given) if isinstance(given, str) else given, dtype=np.float64)
            dimension, unit = DIMENSION[OTHER_NAMES.get(query, query)], OTHER_NAMES.get(unit, unit)
            if numbers.shape != (len(NAMES),) or not np.isfinite(numbers).all() or unit not in NAMES:
                raise ValueError(f"not {len(NAMES)} numbers of a known unit")
            phases[int(step)] = PHASES[kind] if int(step) > 0 else "start"
            dialogue = found.setdefault((unit, int(sample)), {})
            largest = dialogue.setdefault(int(step), np.zeros((len(INDIRECT), len(NAMES))))
        except (KeyError, TypeError, ValueError) as error:
            raise HarnessError(f"{file}, row {rows.numbers[at]}: cannot be read: {error}; see ReleasedUnits") from error
        np.maximum(largest[dimension], numbers, out=largest[dimension])
    for (unit, sample), dialogue in found.items():
        steps = sorted(dialogue)
        yield _item(unit, sample, steps, [phases[s] for s in steps], [dialogue[s].sum(axis=0) for s in steps])


def known_network(coupling: float, seed: int) -> Iterator[Item]:
    """Dialogues of a network: x' = .9 x + coupling (sum of x over the rest of its pole) + .1 (on the pushed unit, while
    it is pushed) + noise of sd .002, never below 0. Ten samples of 25 pushed steps and 25 more for each unit."""
    kin = np.array([[POLES[a] == POLES[b] and a != b for b in NAMES] for a in NAMES], dtype=np.float64)
    for k, unit in enumerate(NAMES):
        for sample in range(1, 11):
            rng = np.random.default_rng([seed, k, sample])
            x, path = np.zeros(len(NAMES)), []
            for step in range(1, 51):
                push = 0.1 * (np.arange(len(NAMES)) == k) * (step <= 25)
                x = np.maximum(0.9 * x + coupling * (kin @ x) + push + 0.002 * rng.normal(size=len(NAMES)), 0)
                path.append(x)
            yield _item(unit, sample, [*range(1, 51)], ["on"] * 25 + ["off"] * 25, path)


def _item(
    unit: str, sample: int, steps: Sequence[int], phases: Sequence[str], activity: Sequence[NDArray[np.float64]]
) -> Item:
    numbers = [[float(x) for x in some] for some in activity]
    fields = {"unit": unit, "sample": sample, "steps": list(steps), "phases": list(phases), "activity": numbers}
    return Item(fields, "", short_answer, group=unit)
