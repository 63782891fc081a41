"""Directions of units, fitted on half of their sentences; how much of a unit a text has, and what pushes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.unit_dynamics.units import TOPICS, UNITS, sentences
from harness import Add, Array, Prompt, Subject, together
from harness.vectors.directions import Direction, difference_of_means, random_direction

ALL: Mapping[str, Sequence[str]] = {**UNITS, **TOPICS}


@dataclass(frozen=True)
class Axes:
    """The directions of all units and topics at several layers.

    Attributes:
        layers: blocks, ascending.
        names: units, then topics.
        directions: by layer, one a name: mean of its own sentences less that of all others.
        zero: projections of the other sentences' mean, [layers, names].
        separation: AUROC between own and other sentences that were not used in the fit, one a name.
        own: for each name, the mean activities of all names in its sentences that were not used in the fit.
    """

    layers: tuple[int, ...]
    names: tuple[str, ...]
    directions: tuple[tuple[Direction, ...], ...]
    zero: Array
    separation: tuple[float, ...]
    own: tuple[tuple[float, ...], ...]

    async def measure(self, subject: Subject, asked: str, text: str) -> dict[str, float]:
        """How much of each unit and topic a text has, read alone: 0 as the others' sentences, 1 as its own.

        The mean over the text's tokens, then over the layers. Nothing is pushed while it is read.

        Raises:
            ItemError: the text cannot be read.
        """
        prompt = Prompt.user(asked, text)
        axes = Array.of([[one.vector.numpy() for one in layer] for layer in self.directions])
        where = subject.positions(prompt, text, -1)
        found = await subject.read(prompt, layers=self.layers, positions=where, pool="mean", onto=axes)
        return dict(zip(self.names, map(float, self.activity(found.numpy()[:, 0])), strict=True))

    def activity(self, lengths: NDArray[Any]) -> NDArray[Any]:
        """Activities [..., names] from projections [..., layers, names]: the mean over the layers.

        Along a difference of means the own sentences' mean lies |v| beyond that of the others.
        """
        whole = np.array([[np.linalg.norm(one.vector.numpy()) for one in layer] for layer in self.directions])
        return np.asarray(((lengths - self.zero.numpy()) / whole).mean(axis=-2))

    def in_sentences_of(self, name: str) -> dict[str, float]:
        """Mean activities of all units and topics in a unit's own sentences, those that were not used in the fit."""
        return dict(zip(self.names, self.own[self.names.index(name)], strict=True))

    def push(self, name: str, strength: float, rng: Random) -> tuple[Add, ...]:
        """Turns the stream towards a unit at every layer while a text is written; the prompt is left as it is.

        Args:
            name: a unit, a topic, or "random" for random directions instead.
            strength: length of what is added, as a share of the stream's own; the stream then keeps its length.
        """
        some = [layer[0 if name == "random" else self.names.index(name)] for layer in self.directions]
        if name == "random":
            some = [random_direction(one, rng) for one in some]
        return tuple(
            Add(one.layer, one.site, one.vector, strength, (), decode=True, relative=True, keep_norm=True)
            for one in some
        )


async def fit_axes(subject: Subject, layers: Sequence[int], asked: str) -> Axes:
    """Fits the axes on every second clause, and tests them on the others."""
    fit, test = ([sentences(clauses[first::2]) for clauses in ALL.values()] for first in (0, 1))
    assert not {s for some in fit for s in some} & {s for some in test for s in some}

    async def read(sentence: str) -> NDArray[Any]:
        prompt = Prompt.user(asked, sentence)
        where = subject.positions(prompt, sentence, -1)
        return (await subject.read(prompt, layers=layers, positions=where, pool="mean")).numpy()[:, 0]

    flat = np.array(await together(read(sentence) for some in (*fit, *test) for sentence in some))
    seen, unseen = np.split(flat, [sum(map(len, fit))])  # [sentences, layers, width]
    owner = np.repeat(np.arange(len(fit)), list(map(len, fit)))
    directions = tuple(
        tuple(difference_of_means(seen[owner == k, i], seen[owner != k, i], layer=layer) for k in range(len(fit)))
        for i, layer in enumerate(layers)
    )
    zero = [[one.project(seen[owner != k, i]).mean() for k, one in enumerate(d)] for i, d in enumerate(directions)]
    axes = Axes(tuple(layers), tuple(ALL), directions, Array.of(zero), (), ())
    lengths = np.stack([np.stack([one.project(unseen[:, i]) for one in d], -1) for i, d in enumerate(directions)], 1)
    shares = axes.activity(lengths)
    whose = np.repeat(np.arange(len(test)), list(map(len, test)))
    separation = (separates(shares[whose == k, k], shares[whose != k, k]) for k in range(len(test)))
    own = (tuple(shares[whose == k].mean(axis=0).tolist()) for k in range(len(test)))
    return replace(axes, separation=tuple(separation), own=tuple(own))


def separates(own: NDArray[Any], other: NDArray[Any]) -> float:
    """The share of pairs in which the own one is larger, ties counted half: the AUROC, in [0, 1]."""
    difference = own[:, None] - other[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())
