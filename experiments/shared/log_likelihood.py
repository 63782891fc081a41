"""The log-probability of a text that the model has written, from the log-probabilities of its tokens."""

from __future__ import annotations

import math

from harness import Text


def log_likelihood(text: Text, *, per_token: bool = False) -> float:
    """log p(s), at most 0, or with `per_token` the mean over its tokens. 0 for a text of no token, which was certain.

    The end token counts. A text that was cut has none, and looks likelier than it is.

    Raises:
        ValueError: a token has no finite log-probability; no text that was generated holds one.
    """
    if not all(math.isfinite(logprob) for logprob in text.logprobs):
        raise ValueError(f"the text {text.text[:40]!r} holds a token of probability 0")
    total = math.fsum(text.logprobs)
    return total / max(1, len(text.logprobs)) if per_token else total
