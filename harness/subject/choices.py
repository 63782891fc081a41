"""Computes the probabilities of given options, and of a whole continuation, for a subject."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import ItemError

ROUNDING = 1e-3
"""By how much probabilities of a distribution may sum to more than 1: engines compute in float32 and less."""

Path = tuple[int, ...]
"""Token ids after a prompt."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Exact probabilities of the options as the next words.

    Attributes:
        p: probability of each option given that one of them is said; sums to 1.
        mass: probability that any option is said at all, in (0, 1]. Far below 1, `p` rests on little.
        logp: natural log-probability of each option, all its surface forms merged.
        calls: next-token distributions that it took: 1, and more for options of several tokens.
    """

    p: dict[str, float]
    mass: float
    logp: dict[str, float]
    calls: int = 1

    @classmethod
    def of(cls, forms: Mapping[str, Sequence[Path]], logprobs: Mapping[Path, float], calls: int = 1) -> Choice:
        """The choice between options.

        Args:
            forms: token ids of the surface forms of each option.
            logprobs: of every form and every beginning of one: log-probability of its last token given those before.
            calls: next-token distributions that these came from.

        Raises:
            ItemError: the probabilities sum to more than 1, beyond rounding: they are of no distribution.
        """
        logp = {
            option: _logsumexp([sum(logprobs[ids[: i + 1]] for i in range(len(ids))) for ids in some])
            for option, some in forms.items()
        }
        total = _logsumexp(list(logp.values()))
        uniform = 1 / len(logp)
        p = {option: math.exp(lp - total) if total > -math.inf else uniform for option, lp in logp.items()}
        mass = math.exp(min(total, 700.0))
        if mass > 1 + ROUNDING:
            raise ItemError(f"the probabilities of the options {', '.join(map(repr, logp))} sum to {mass:.4g}")
        return cls(p, min(1.0, mass), logp, calls)

    @property
    def best(self) -> str:
        """The most probable option; the first of equals."""
        return max(self.p, key=self.p.__getitem__)

    def __str__(self) -> str:
        return "  ".join(f"p({option}) = {p:.4f}" for option, p in self.p.items()) + f"  mass {self.mass:.4f}"


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How probable the model finds a given continuation.

    Attributes:
        tokens: its token ids after the prompt.
        logprobs: natural log-probability of each, given everything before it; raw.
    """

    tokens: Path
    logprobs: tuple[float, ...]

    @property
    def logprob(self) -> float:
        """Natural log-probability of the whole continuation."""
        return math.fsum(self.logprobs) if min(self.logprobs) > -math.inf else -math.inf


def branches(forms: Iterable[Path]) -> dict[Path, tuple[int, ...]]:
    """The branching points of forms: each prefix, () first, with the tokens that continue it, sorted."""
    nexts: dict[Path, set[int]] = {}
    for ids in forms:
        for i, token in enumerate(ids):
            nexts.setdefault(ids[:i], set()).add(token)
    return {path: tuple(sorted(tokens)) for path, tokens in nexts.items()}


def _logsumexp(values: Sequence[float]) -> float:
    top = max(values)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(v - top) for v in values))
