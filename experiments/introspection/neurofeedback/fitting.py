"""Fits, on training sentences: axes, labels of the sentences shown as examples, and the predictions of rivals."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.neurofeedback.axes import WEIGHT, Axis, FitSet, fit_axes, held_out_scores
from experiments.introspection.neurofeedback.prompts import Example, Wording, alone, state_alone
from experiments.introspection.neurofeedback.stimuli import is_positive
from experiments.shared.bag_of_words import BagOfWords
from harness import Array, HarnessError, Item, ItemError, Subject, together
from harness.metrics import Floats
from harness.tasks.texts import words
from harness.vectors.probes import fit_logistic

Labels = Literal["own", "rival", "words", "shuffled"]
"""Whose labels the examples have: the model's own, another model's, a bag of words', or the own ones dealt out anew."""


@dataclass(frozen=True, slots=True)
class Observer:
    """An ideal observer: logistic regression of the labels on the activations of the very examples that are shown.

    Attributes:
        weights: [width]; None where all labels are the same, and the majority is all that can be learnt.
    """

    weights: Array | None
    bias: float

    def log_odds(self, state: Floats) -> float:
        """Log-odds of label 1 of an activation [width]."""
        return self.bias + (0.0 if self.weights is None else float(state @ self.weights.numpy().astype(np.float64)))


@dataclass(frozen=True, slots=True)
class Target:
    """An axis of a layer, whose labels are reported and whose scores are to be controlled.

    Attributes:
        depth: the layer's depth in words, as "67%". place: its index among the layers that are read.
        largest: see `FitSet.largest`.
        rival: the axis of the same name and depth in another model; None without one.
        bag: a bag of words that was fitted on the own labels of all fitted sentences. length: a logistic regression of
            the same labels on how long the sentences are, see `extent`.
        labels: of the sentences that may be shown, by whose they are.
        observers: by order of the examples, and by how many of them are shown.
    """

    name: str
    depth: str
    layer: int
    place: int
    largest: float
    axis: Axis
    rival: Axis | None
    bag: BagOfWords
    length: Observer
    labels: Mapping[str, tuple[bool, ...]]
    observers: tuple[Mapping[int, Observer], ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """All that was fitted.

    Attributes:
        layers, rival_layers: those that are read.
        shown: the sentences that may be shown as examples. None of them was fitted, or is tested. positive: which of
            them are good or true.
        orders: their orders; the first n of an order are shown.
        dealt: for each order, a permutation that deals out the labels anew.
        targets: of all layers.
    """

    layers: tuple[int, ...]
    rival_layers: tuple[int, ...]
    shown: tuple[str, ...]
    positive: tuple[bool, ...]
    orders: tuple[tuple[int, ...], ...]
    dealt: tuple[tuple[int, ...], ...]
    targets: tuple[Target, ...]

    def examples(self, target: Target, whose: Labels, order: int, n: int, *, flipped: bool = False) -> list[Example]:
        """The first n examples of an order, with their labels.

        Args:
            flipped: whether every label is shown as the other one.
        """
        shown = self.orders[order][:n]
        labels = target.labels["own" if whose == "shuffled" else whose]
        told = [labels[i] for i in shown]
        if whose == "shuffled":
            told = [told[i] for i in self.dealt[order] if i < n]
        return [(self.shown[i], label != flipped) for i, label in zip(shown, told, strict=True)]


def usable(wording: Wording, subject: Subject, train: Sequence[Item]) -> list[Item]:
    """Training sentences that have a label and fit the context; of others, the run says how many, and why the first."""
    kept, told = [], []
    for item in train:
        try:
            is_positive(item)
            prompt = subject.renderer.render(alone(wording, str(item.fields["question"])))
            subject.renderer.check_length(prompt, 0)
            kept.append(item)
        except ItemError as error:
            told.append(f"item {item.id}: {error}")
    if told:
        subject.renderer.note(f"training sentences left out: {len(told)}; {told[0]}")
    return kept


def parted(train: Sequence[Item], most: int) -> tuple[list[Item], list[Item]]:
    """The sentences on which axes are fitted, and at least `most` others to be shown; no group has both.

    Of a group that is shown, one positive and one negative sentence are, because others would be near copies.

    Raises:
        HarnessError: too few sentences or groups, or only good or only bad ones are left to be fitted.
    """
    names = sorted({item.cluster for item in train}, key=lambda name: hashlib.sha256(name.encode()).digest())
    by_group = {name: [item for item in train if item.cluster == name] for name in names}
    shown: list[Item] = []
    for name in names:
        if len(shown) < most:
            shown += {is_positive(item): item for item in by_group.pop(name)}.values()
    fitted = [item for some in by_group.values() for item in some]
    kinds = {is_positive(item) for item in fitted}
    if len(shown) < most or len(kinds) < 2 or len(by_group) < 2:
        raise HarnessError(
            f"{len(train)} training sentences of {len(names)} groups: {most} are shown as examples, at most two of a "
            "group, and axes need good and bad (or true and false) ones of two other groups; raise experiment.train or "
            "lower experiment.shots"
        )
    return fitted, shown


@dataclass(frozen=True, slots=True)
class Sentences:
    """Training sentences as one model reads them.

    Attributes:
        fitted, shown: activations [sentences, layers, width].
    """

    layers: tuple[int, ...]
    fitted: Floats
    shown: Floats


async def read_sentences(
    wording: Wording, subject: Subject, parts: tuple[Sequence[Item], Sequence[Item]], depths: Sequence[float]
) -> Sentences:
    """Training sentences as a model reads them, each alone.

    Args:
        parts: the sentences that are fitted, and those that are shown.
        depths: of the layers, as shares of the model's depth.
    """
    layers = subject.layers_at(depths)
    told = [str(item.fields["question"]) for part in parts for item in part]
    states = np.stack(await together(state_alone(wording, subject, text, layers) for text in told))
    return Sentences(tuple(layers), states[: len(parts[0])], states[len(parts[0]) :])


def fit_targets(
    parts: tuple[Sequence[Item], Sequence[Item]],
    own: Sentences,
    rival: Sentences | None,
    *,
    names: Sequence[str],
    depths: Sequence[str],
    shots: Sequence[int],
    orders: int,
    rng: Random,
) -> Fit:
    """Fits the axes of all layers.

    Args:
        parts: the sentences that are fitted, and those that are shown.
        names: of the axes. depths: of the layers, in words.
        shots: how many examples are shown. orders: how many orders of them.
    """
    fitted, shown = parts
    dealing = [tuple(rng.sample(range(len(shown)), len(shown))) for _ in range(2 * orders)]
    turns, dealt = tuple(dealing[:orders]), tuple(dealing[orders:])
    told = tuple(str(item.fields["question"]) for item in shown)
    targets: list[Target] = []
    for place, (layer, depth) in enumerate(zip(own.layers, depths, strict=True)):
        here = fit_set(fitted, own, place)
        axes = fit_axes(here, names, rng)
        others = fit_axes(fit_set(fitted, rival, place), names, rng) if rival else {}
        for name, axis in axes.items():
            labels = axis.z(own.shown[:, place], told) >= 0
            fitted_labels = _labels(held_out_scores(here, axis))
            bag = BagOfWords.fit(zip(here.sentences, fitted_labels, strict=True))
            sizes = np.stack([extent(sentence) for sentence in here.sentences])
            length = observer(sizes, np.array(fitted_labels), float(sizes.var(axis=0).sum()))
            whose = {"own": tuple(labels.tolist()), "words": tuple(map(bag.positive, told))}
            if rival and name in others:
                whose["rival"] = _labels(others[name].z(rival.shown[:, place], told))
            seen = tuple(observers(own.shown[:, place], labels, turn, shots, here.variance) for turn in turns)
            rest = (others.get(name), bag, length, whose, seen)
            targets.append(Target(name, depth, layer, place, here.largest, axis, *rest))
    positive = tuple(map(is_positive, shown))
    return Fit(own.layers, rival.layers if rival else (), told, positive, turns, dealt, tuple(targets))


def extent(sentence: str) -> Floats:
    """How long a sentence is, in words and in characters."""
    return np.array([len(words(sentence)), len(sentence)], dtype=np.float64)


def fit_set(items: Sequence[Item], read: Sentences, place: int) -> FitSet:
    """The fitted sentences at one layer."""
    return FitSet(
        read.layers[place],
        read.fitted[:, place],
        [str(item.fields["question"]) for item in items],
        [is_positive(item) for item in items],
        [item.cluster for item in items],
    )


def observers(
    states: Floats, labels: NDArray[np.bool_], order: Sequence[int], shots: Sequence[int], variance: float
) -> dict[int, Observer]:
    """An ideal observer of the first n examples of an order, for each number n of them above 0.

    Args:
        states: [shown, width]. labels: [shown].
        variance: see `FitSet.variance`.
    """
    return {n: observer(states[list(order[:n])], labels[list(order[:n])], variance) for n in shots if n}


def observer(states: Floats, labels: NDArray[np.bool_], variance: float) -> Observer:
    """Fits an ideal observer to activations [n, width] and their labels [n]."""
    ones = np.asarray(labels, dtype=np.float64)
    if not 0 < ones.sum() < len(ones):
        # As a rule of succession: n labels of one kind leave odds of n + 1 to 1.
        return Observer(None, float(np.log(len(ones) + 1) * (1 if ones.any() else -1)))
    centre = states.mean(axis=0)
    weights, bias = fit_logistic(states - centre, ones, 1 - ones, WEIGHT * variance)
    return Observer(Array.of(weights), bias - float(centre @ weights))


def _labels(scores: Floats) -> tuple[bool, ...]:
    return tuple(bool(score >= 0) for score in scores)
