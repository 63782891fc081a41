"""A bag-of-words classifier of texts, which shows how far the wording alone gives the label away."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness import HarnessError
from harness.tasks.texts import words


@dataclass(frozen=True)
class BagOfWords:
    """Naive Bayes over the presence of words, add-one smoothed.

    Attributes:
        prior: log-odds of the positive class in training.
        evidence: what each word adds to the log-odds where it occurs; words not met in training add nothing.
    """

    prior: float
    evidence: dict[str, float]

    @classmethod
    def fit(cls, texts: Iterable[tuple[str, bool]]) -> BagOfWords:
        """From texts and their labels.

        Raises:
            HarnessError: all labels are the same.
        """
        sizes: Counter[bool] = Counter()
        found: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
        for text, label in texts:
            sizes[label] += 1
            found[label].update(set(words(text)))
        if len(sizes) < 2:
            raise HarnessError(
                "the training questions of the bag of words are all of one class; raise experiment.words"
            )
        evidence = {
            word: math.log((found[True][word] + 1) / (sizes[True] + 2))
            - math.log((found[False][word] + 1) / (sizes[False] + 2))
            for word in found[True] | found[False]
        }
        return cls(math.log(sizes[True] / sizes[False]), evidence)

    def log_odds(self, text: str) -> float:
        """Log-odds of the positive class."""
        return self.prior + math.fsum(self.evidence.get(word, 0.0) for word in sorted(set(words(text))))

    def positive(self, text: str) -> bool:
        """Whether the words speak for the positive class."""
        return self.log_odds(text) > 0
