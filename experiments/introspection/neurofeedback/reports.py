"""Asks for the label of a sentence behind examples, and lets rules answer on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.introspection.neurofeedback.arms import Way
from experiments.introspection.neurofeedback.fitting import Fit, Target
from experiments.introspection.neurofeedback.prompts import Example, Wording, reporting
from experiments.introspection.neurofeedback.rows import Trial, about
from experiments.shared.bag_of_words import BagOfWords
from harness import Probability, Subject
from harness.metrics import Floats


@dataclass(frozen=True, slots=True)
class Tested:
    """A test sentence, as it is read alone.

    Attributes:
        positive: whether it is good or true.
        states: [layers, width], of the model; rival: of another model, None without one.
        order: the order of the examples before it.
    """

    sentence: str
    positive: bool
    states: Floats
    rival: Floats | None
    order: int


def label_of(target: Target, way: Way, tested: Tested) -> bool:
    """The label that is right: by the own axis, another model's, or a bag of words."""
    if way.labels == "words":
        return target.bag.positive(tested.sentence)
    axis, states = (target.rival, tested.rival) if way.labels == "rival" else (target.axis, tested.states)
    assert axis is not None  # else the arm has no rows
    assert states is not None
    return bool(axis.z(states[None, target.place], [tested.sentence])[0] >= 0)


async def report(
    subject: Subject, way: Way, tested: Tested, *, wording: Wording, fit: Fit, target: Target, n: int, most: bool
) -> Trial:
    """One report: of the model, of another one, or by rule.

    Args:
        n: examples; rules need one at least. most: whether they are as many as ever.
    """
    label, shown = label_of(target, way, tested), fit.examples(target, way.labels, tested.order, n)
    mass = None
    if way.asked:
        reporter = subject.role("rival") if way.by == "rival" else subject
        prompt = reporting(wording, shown, tested.sentence)
        choice = await reporter.choose(prompt, {"1": ["1"], "0": ["0"]})
        p, mass = choice.p["1"], Probability(choice.mass)
    else:
        p = _logistic(by_rule(way, target, tested, shown))
    ones = Probability(sum(told for _, told in shown) / n) if n else None
    return Trial(
        **about(target, shots=n, most=most, order=tested.order),
        label=label,
        agrees_with_gold=label == tested.positive,
        p=Probability(p),
        correct=(p > 0.5) == label,
        mass=mass,
        shown_ones=ones,
    )


def by_rule(way: Way, target: Target, tested: Tested, shown: Sequence[Example]) -> float:
    """Log-odds of label 1, by somebody who sees the examples but not the model's activations, or nothing else."""
    if way.by == "observer":
        return target.observers[tested.order][len(shown)].log_odds(tested.states[target.place])
    if way.by == "all words":
        return target.bag.log_odds(tested.sentence)
    ones = sum(label for _, label in shown)
    if way.by == "majority" or ones in (0, len(shown)):
        return math.log((ones + 1) / (len(shown) - ones + 1))
    return BagOfWords.fit(shown).log_odds(tested.sentence)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))
