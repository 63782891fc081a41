"""Predicts a number from the words of a sentence: how far wording alone gives an activation away."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.metrics import Floats
from harness.tasks.texts import words

FOLDS = 10


@dataclass(frozen=True, slots=True)
class WordScore:
    """Ridge regression on the presence of words.

    Attributes:
        bias: the prediction for a sentence without a known word.
        weights: what each word adds where it occurs.
    """

    bias: float
    weights: Mapping[str, float]

    @classmethod
    def fit(cls, sentences: Sequence[str], values: Floats, penalty: float = 1.0) -> WordScore:
        """Minimises sum_i (y_i - bias - w . x_i)^2 + penalty |w|^2; x_i has a 1 for every word of sentence i.

        Args:
            values: y, [n].
        """
        found = [set(words(sentence)) for sentence in sentences]
        known = sorted(set().union(*found))
        x = np.array([[float(word in some) for word in known] for some in found])
        centre, bias = x.mean(axis=0), float(np.mean(values))
        # In the space of the sentences, which are fewer than the words.
        inside = (x - centre) @ (x - centre).T + penalty * np.eye(len(x))
        weights = (x - centre).T @ np.linalg.solve(inside, np.asarray(values) - bias)
        return cls(bias - float(centre @ weights), dict(zip(known, weights.tolist(), strict=True)))

    def __call__(self, sentence: str) -> float:
        """The prediction for a sentence; words that were not met add nothing."""
        return self.bias + math.fsum(self.weights.get(word, 0.0) for word in sorted(set(words(sentence))))


def held_out(sentences: Sequence[str], values: Floats, groups: Sequence[str]) -> Floats:
    """Predictions [n] of each value by the words, fitted on the sentences of other groups."""
    names = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    fold = {name: number % FOLDS for number, name in enumerate(names)}
    of = np.array([fold[name] for name in groups])
    predicted = np.zeros(len(sentences))
    for number in sorted(set(of.tolist())):
        others = np.flatnonzero(of != number)
        here = np.flatnonzero(of == number)
        # With one fold there are no others, and the mean is all that is known.
        score = WordScore.fit([sentences[i] for i in others], values[others]) if len(others) else None
        predicted[here] = [score(sentences[i]) if score else float(values.mean()) for i in here]
    return predicted
