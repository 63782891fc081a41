"""Probes for P(IK): one on all domains of a task, and for each domain one on it alone and one on all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness import Array
from harness.vectors.probes import NoProbe, Probe, fit_probe


@dataclass(frozen=True, slots=True)
class Example:
    """A training question.

    Attributes:
        states: [layers, 1, width], where the question ends.
        right, wrong: sampled answers of either kind.
    """

    states: Array
    right: int
    wrong: int
    domain: str
    group: str


@dataclass(frozen=True, slots=True)
class DomainProbes:
    """The probes of a task.

    Attributes:
        everywhere: trained on all domains.
        alone, elsewhere: for each domain of several, trained on it alone, and on all the others.
    """

    everywhere: Probe | NoProbe
    alone: Mapping[str, Probe | NoProbe] = field(default_factory=dict)
    elsewhere: Mapping[str, Probe | NoProbe] = field(default_factory=dict)

    def without(self, domain: str) -> Probe | NoProbe | None:
        """The probe that has not seen a domain: the probe of all domains where training had none of it; None of a
        single domain."""
        return self.elsewhere.get(domain, self.everywhere) if self.elsewhere else None


def fit(examples: Sequence[Example], layers: Sequence[int], folds: int) -> Probe | NoProbe:
    """A probe of all examples.

    Raises:
        HarnessError: fewer groups of examples than folds.
    """
    states = np.stack([one.states.numpy()[:, 0] for one in examples]).astype(np.float64)
    return fit_probe(
        {layer: states[:, i] for i, layer in enumerate(layers)},
        [one.right for one in examples],
        [one.wrong for one in examples],
        [one.group for one in examples],
        folds=folds,
    )


def fit_by_domain(examples: Sequence[Example], layers: Sequence[int], folds: int) -> DomainProbes:
    """The probes of a task.

    Raises:
        HarnessError: fewer groups of examples than folds; a single domain with too few only has no probe.
    """

    def some(chosen: Sequence[Example]) -> Probe | NoProbe:
        groups = len({one.group for one in chosen})
        if groups < folds:
            return NoProbe(f"fewer groups of training questions ({groups}) than folds ({folds})")
        return fit(chosen, layers, folds)

    everywhere = fit(examples, layers, folds)
    names = sorted({one.domain for one in examples})
    if len(names) == 1:
        return DomainProbes(everywhere)
    alone = {name: some([one for one in examples if one.domain == name]) for name in names}
    elsewhere = {name: some([one for one in examples if one.domain != name]) for name in names}
    return DomainProbes(everywhere, alone, elsewhere)
