"""Gates: conditions for any verdict, for example that the model puts its probability on the options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError, nearest
from harness.metrics.levels import LevelValue
from harness.metrics.metric import Metric
from harness.outcomes import Kind
from harness.statistics.estimates import Estimate

ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A number that must be high enough, or low enough, before a claim that depends on it is judged.

    A probability of "yes" means little where "yes" and "no" together get a tenth of the probability, and a judge's
    grades mean little where the judge fails a check of its own. The number is looked up at the levels of the claim, by
    those columns that both are estimated by. Below `least`, or above `most`, the verdict is held back. Where the number
    is not defined at a level (an arm that shows no options), the gate does not apply there.

    Attributes:
        metric: the name of the number.
        least, most: below the one and above the other verdicts are held back.
        columns: outcome columns that depend on it; claims and published numbers whose metric reads one of them do, too.
        why: the meaning of such a number, in a few words.
        advised: below it the run warns, though verdicts are given; None warns only below `least`.

    Raises:
        HarnessError: it advises less than it demands, or names no columns.
    """

    metric: str
    columns: tuple[str, ...]
    least: float = -math.inf
    most: float = math.inf
    why: str = ""
    advised: float | None = None

    def __post_init__(self) -> None:
        if self.advised is not None and self.advised < self.least:
            raise HarnessError(f"gate on {self.metric!r}: advised {self.advised:g} is below least {self.least:g}")
        if not self.columns:
            raise HarnessError(f"gate on {self.metric!r}: name the columns that depend on it")

    def against(self, one: Estimate, *, advised: bool = False) -> str:
        """The objection to an estimate that is too low or too high, in words; "" without one.

        Args:
            advised: whether it is compared with the advised bound, and not with the demanded one.
        """
        if one.metric != self.metric or one.value is None:
            return ""
        least = self.advised if advised and self.advised is not None else self.least
        # A mean of rows that are all 0.8 may be off by a rounding error.
        if least - ROUNDING <= one.value <= self.most + ROUNDING:
            return ""
        beyond = f"below {least:g}" if one.value < least else f"above {self.most:g}"
        level = f" [{', '.join(f'{column}={value}' for column, value in one.level.items())}]" if one.level else ""
        return f"{self.metric}{level} {one.value:.2g} is {beyond}{f' ({self.why})' if self.why else ''}"


def option_mass(*columns: str, metric: str = "option_mass", least: float = 0.5) -> Gate:
    """The gate of probabilities that were read from options: these must have at least half of all probability.

    Args:
        columns: the columns that were read from the options; `p` by default.
        metric: the name of the mean probability of all options together.
    """
    why = "the model answers with something else than the options"
    return Gate(metric=metric, least=least, columns=columns or ("p",), why=why, advised=max(least, 0.9))


def check_gates(gates: Iterable[Gate], metrics: Sequence[Metric], columns: Mapping[str, Kind]) -> None:
    """Raises HarnessError: a gate names a metric or a column that does not exist."""
    names = [metric.name for metric in metrics]
    for gate in gates:
        if gate.metric not in names:
            raise HarnessError(f"gate: metric {gate.metric!r} does not exist{nearest(gate.metric, names)}")
        for column in gate.columns:
            if column not in columns:
                raise HarnessError(f"gate on {gate.metric!r}: no column {column!r}{nearest(column, columns)}")


def held_back(
    gates: Iterable[Gate], metric: Metric, level: Mapping[str, LevelValue], estimates: Sequence[Estimate]
) -> str:
    """Why a number must not decide anything; "" if it may.

    Args:
        metric, level: which number; the level as text.
    """
    reading = [gate for gate in gates if set(gate.columns) & set(metric.columns)]
    there = [e for e in estimates if all(e.level[column] == level[column] for column in set(e.level) & set(level))]
    found = (gate.against(e) for gate in reading for e in there)
    return "; ".join(filter(None, found))


def warnings(gates: Iterable[Gate], estimates: Sequence[Estimate]) -> list[str]:
    """Warnings of a run: numbers beyond the advised range, and whether verdicts are held back."""
    told = []
    for gate in gates:
        for one in estimates:
            if text := gate.against(one, advised=True):
                told.append(f"{text}{'; verdicts that rest on it are held back' if gate.against(one) else ''}")
    return told
