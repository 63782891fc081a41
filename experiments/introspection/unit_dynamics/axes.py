"""Directions of units, fitted on half of their sentences; how much of a unit a text has, and what pushes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

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
    """

    layers: tuple[int, ...]
    names: tuple[str, ...]
    directions: tuple[tuple[Direction, ...], ...]
    zero: Array
    separation: tuple[float, ...]

    async def measure(self, subject: Subject, asked: str, text: str) -> dict[str, float]:
        """How much of each unit and topic a text has, read alone: 0 as the others' sentences, 1 as its own.

        The mean over the text's tokens, then over the layers. Nothing is pushed while it is read.

        Raises:
            ItemError: the text cannot be read.
        """
        prompt = Prompt.user(asked, text)
        axes = Array.of([[one.vector.numpy() for one in layer] for layer in self.layered])
        where = subject.positions(prompt, text, -1)
        found = await subject.read(prompt, layers=self.layers, positions=where, pool="mean", onto=axes)
        lengths = np.array([[np.linalg.norm(one.vector.numpy()) for one in layer] for layer in self.layered])
        shares = ((found.numpy()[:, 0] - self.zero.numpy()) / lengths).mean(axis=0)
        return dict(zip(self.names, map(float, shares), strict=True))

    @property
    def layered(self) -> Sequence[Sequence[Direction]]:
        """The directions by layer."""
        return self.directions

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
    spoken = {name: sentences(clauses[::2]) for name, clauses in ALL.items()}
    unseen = {name: sentences(clauses[1::2]) for name, clauses in ALL.items()}
    assert not {s for some in spoken.values() for s in some} & {s for some in unseen.values() for s in some}

    async def read(sentence: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        prompt = Prompt.user(asked, sentence)
        found = await subject.read(
            prompt, layers=layers, positions=subject.positions(prompt, sentence, -1), pool="mean"
        )
        return found.numpy()[:, 0].astype(np.float64)

    async def all_of(
        texts: Mapping[str, Sequence[str]],
    ) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        flat = await together(read(sentence) for some in texts.values() for sentence in some)
        ends = np.cumsum([len(some) for some in texts.values()])[:-1]
        return dict(zip(texts, np.split(np.array(flat), ends), strict=True))

    fit, test = await all_of(spoken), await all_of(unseen)
    names, directions, zero = tuple(ALL), [], np.zeros((len(layers), len(ALL)))
    scores = np.zeros((len(ALL), sum(map(len, test.values()))))
    for k, name in enumerate(names):
        rest = np.concatenate([x for other, x in fit.items() if other != name])
        own = [difference_of_means(fit[name][:, i], rest[:, i], layer=layer) for i, layer in enumerate(layers)]
        directions.append(own)
        zero[:, k] = [one.project(rest[:, i]).mean() for i, one in enumerate(own)]
        shown = np.concatenate([*test.values()])
        scores[k] = np.mean(
            [(one.project(shown[:, i]) - zero[i, k]) / np.linalg.norm(one.vector.numpy()) for i, one in enumerate(own)],
            axis=0,
        )
    owner = np.repeat(np.arange(len(names)), [len(x) for x in test.values()])
    separation = tuple(separates(scores[k][owner == k], scores[k][owner != k]) for k in range(len(names)))
    return Axes(tuple(layers), names, tuple(zip(*directions, strict=True)), Array.of(zero), separation)


def separates(own: Sequence[float], other: Sequence[float]) -> float:
    """The share of pairs in which the own one is larger, ties counted half: the AUROC, in [0, 1]."""
    difference = np.asarray(own)[:, None] - np.asarray(other)[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())
