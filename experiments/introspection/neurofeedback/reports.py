"""Asks for the label of a sentence behind examples, and lets rules answer on the same rows."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.introspection.neurofeedback.arms import Way
from experiments.introspection.neurofeedback.fitting import Fit, Target, extent
from experiments.introspection.neurofeedback.prompts import Example, Wording, places, reporting
from experiments.introspection.neurofeedback.rows import Trial, about
from experiments.shared.bag_of_words import BagOfWords
from harness import Probability, Subject
from harness.metrics import Floats

OPTIONS = {"1": ("1",), "0": ("0",)}


@dataclass(frozen=True, slots=True)
class Tested:
    """A test sentence, as it is read alone.

    Attributes:
        positive: whether it is good or true.
        order: the order of the examples before it.
        states: [layers, width], of the model; rival: of another model, None without one. Both are being read while the
            label is asked for.
    """

    sentence: str
    positive: bool
    order: int
    states: asyncio.Task[Floats]
    rival: asyncio.Task[Floats] | None


async def label_of(target: Target, way: Way, tested: Tested) -> bool:
    """The label that is right: by the own axis, another model's, or a bag of words."""
    if way.labels == "words":
        return target.bag.positive(tested.sentence)
    axis, states = (target.rival, tested.rival) if way.labels == "rival" else (target.axis, tested.states)
    assert axis is not None  # else the arm has no rows
    assert states is not None
    return bool(axis.z((await states)[None, target.place], [tested.sentence])[0] >= 0)


async def report(
    subject: Subject, way: Way, tested: Tested, *, wording: Wording, fit: Fit, target: Target, n: int, most: bool
) -> Trial:
    """One report: of the model, of another one, or by rule.

    Args:
        n: examples; rules need one at least. most: whether they are as many as ever.
    """
    shown, mass = fit.examples(target, way.labels, tested.order, n), None
    if way.asked:
        reporter = subject.role("rival") if way.by == "rival" else subject
        choice = await reporter.choose(reporting(wording, shown, tested.sentence), OPTIONS)
        p, mass = choice.p["1"], choice.mass
    else:
        p = _logistic(await by_rule(way, target, tested, shown, fit))
    label = await label_of(target, way, tested)
    row = Trial(**about(target, shots=n, most=most, order=tested.order), agrees_with_gold=label == tested.positive)
    if n:
        row = replace(row, shown_ones=Probability(sum(told for _, told in shown) / n))
    return answered(row, label, p, mass)


async def along(
    subject: Subject, tested: Tested, *, wording: Wording, fit: Fit, target: Target, most: int
) -> list[Trial]:
    """Reports of all labels of one conversation: of `most` examples in an order of the item's own, then of its own
    sentence. All are read at once."""
    shown = subject.random("conversation").sample(range(len(fit.shown)), most)
    examples = [(fit.shown[i], target.labels["own"][i]) for i in shown]
    prompt = reporting(wording, examples, tested.sentence)
    choices = await subject.choose_at(prompt, OPTIONS, places(subject, prompt, most + 1))
    labels = [*(label for _, label in examples), await label_of(target, Way(), tested)]
    return [
        answered(Trial(**about(target, shots=n, most=n == most, order=-1)), label, choice.p["1"], choice.mass)
        for n, (label, choice) in enumerate(zip(labels, choices, strict=True))
    ]


def answered(row: Trial, label: bool, p: float, mass: float | None = None) -> Trial:
    """The row with the label that is right, and the probability that was given to label 1."""
    told = None if mass is None else Probability(mass)
    return replace(row, label=label, p=Probability(p), correct=(p > 0.5) == label, mass=told)


async def by_rule(way: Way, target: Target, tested: Tested, shown: Sequence[Example], fit: Fit) -> float:
    """Log-odds of label 1, by somebody who sees the examples but not the model's activations, or nothing else."""
    if way.by == "observer":
        return target.observers[tested.order][len(shown)].log_odds((await tested.states)[target.place])
    if way.by == "all words":
        return target.bag.log_odds(tested.sentence)
    if way.by == "length":
        return target.length.log_odds(extent(tested.sentence))
    if way.by == "meaning":
        good = dict(zip(fit.shown, fit.positive, strict=True))
        shown = [(sentence, label) for sentence, label in shown if good[sentence] == tested.positive]
    ones = sum(label for _, label in shown)
    if way.by in ("majority", "meaning") or ones in (0, len(shown)):
        return math.log((ones + 1) / (len(shown) - ones + 1))
    return BagOfWords.fit(shown).log_odds(tested.sentence)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))
