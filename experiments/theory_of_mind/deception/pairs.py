"""Reads how probable a false reply is against a true one of the same length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from harness import Probability, Prompt, Subject, together


async def p_false(subject: Subject, prompt: Prompt, pairs: Sequence[Sequence[str]]) -> Probability | None:
    """P(false) / (P(false) + P(true)), the mean over the pairs of a true and a false reply of as many tokens."""
    texts = [f" {text}" if prompt.prefill else text for pair in pairs for text in pair]
    scored = await together(subject.score(prompt, text) for text in texts)
    found = []
    for true, false in zip(scored[::2], scored[1::2], strict=True):
        if len(true.tokens) == len(false.tokens) and max(true.logprob, false.logprob) > -math.inf:
            found.append(1 / (1 + math.exp(min(true.logprob - false.logprob, 700.0))))
    return Probability(fmean(found)) if found else None
