"""Probes for P(IK): one on all domains of a task, and for each domain one on it alone and one on all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import Array, Prompt, Subject
from harness.vectors.probes import NoProbe, Probe, fit_probe

Probes = Mapping[str, Probe | NoProbe]
"""By what they were fitted on: "all", and for each domain X of several "only X" and "not X". Empty without any."""


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


def fit_by_domain(examples: Sequence[Example], layers: Sequence[int], folds: int) -> Probes:
    """The probes of a task.

    Raises:
        HarnessError: fewer groups of examples than folds; a single domain with too few only has no probe.
    """
    states = np.stack([one.states.numpy()[:, 0] for one in examples]).astype(np.float64)
    domains = np.array([one.domain for one in examples])

    def fit(mask: NDArray[np.bool_]) -> Probe | NoProbe:
        chosen = [one for one, wanted in zip(examples, mask, strict=True) if wanted]
        return fit_probe(
            {layer: states[mask, i] for i, layer in enumerate(layers)},
            [one.right for one in chosen],
            [one.wrong for one in chosen],
            [one.group for one in chosen],
            folds=folds,
        )

    probes = {"all": fit(np.ones(len(examples), dtype=bool))}
    names = sorted({one.domain for one in examples})
    for name in names if len(names) > 1 else []:
        for key, mask in ((f"only {name}", domains == name), (f"not {name}", domains != name)):
            groups = {one.group for one, wanted in zip(examples, mask, strict=True) if wanted}
            few = NoProbe(f"fewer groups of training questions ({len(groups)}) than folds ({folds})")
            probes[key] = fit(mask) if len(groups) >= folds else few
    return probes


def arms(probes: Probes, domain: str, *, transfer: bool) -> Probes:
    """The probes that judge a question of a domain, by the name of the arm; one of no training domain is elsewhere."""
    if not transfer or len(probes) < 2:
        return {"probe": probes["all"]} if probes else {}
    alone = {f"probe of {key.removeprefix('only ')}": one for key, one in probes.items() if key.startswith("only ")}
    return {"probe": probes["all"], "probe elsewhere": probes.get(f"not {domain}", probes["all"]), **alone}


async def judge(probes: Probes, prompt: Prompt, subject: Subject) -> dict[str, float]:
    """The probability that each probe gives a question, from one reading of it; what is no probe gives none."""
    fitted = {name: probe for name, probe in probes.items() if isinstance(probe, Probe)}
    layers = sorted({probe.layer for probe in fitted.values()})
    if not layers:
        return {}
    states = (await subject.read(prompt, layers=layers, positions=[-1])).numpy()
    return {name: float(probe(states[layers.index(probe.layer)])[0]) for name, probe in fitted.items()}
