"""Turns logits into text: each row has its own sampling parameters, random numbers and end of text."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from harness.calls.calls import Generate, Sampling, Text
from harness.engines.worker import Job

if TYPE_CHECKING:
    from torch import Tensor

CONTEXT = 6
"""Prompt tokens decoded before a text, because tokenizers write a first word differently from a later one."""

AT_ONCE = 64
"""Rows sampled at once: a row of logits has as many numbers as the vocabulary."""


def uniform(seed: int, step: int) -> float:
    """The random number in [0, 1) of one token of one draw: a function of its arguments alone."""
    digest = hashlib.blake2b(f"{seed}/{step}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


class Detokenizer:
    """Ids to the text that a reader sees.

    Args:
        tokenizer: of transformers.
        ends: token ids that end a text.
    """

    def __init__(self, tokenizer: Any, ends: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self.ends = ends

    def text(self, prompt: Sequence[int], tokens: Sequence[int]) -> str:
        """The text that the tokens add to the prompt, without special tokens."""
        before = self._decode(prompt[-CONTEXT:])
        whole = self._decode([*prompt[-CONTEXT:], *tokens])
        return whole[len(before) :] if whole.startswith(before) else self._decode(tokens)

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))


class Draft:
    """An unfinished text.

    Attributes:
        job: the caller that waits for it.
        call: the call.
        tokens, logprobs: so far.
        cached: prompt tokens that were not computed for it.
    """

    def __init__(self, job: Job, call: Generate, detokenizer: Detokenizer) -> None:
        self.job = job
        self.call = call
        self.tokens: list[int] = []
        self.logprobs: list[float] = []
        self.cached = 0
        self.seed = call.engine_seed() if call.sampling.temperature > 0 else 0
        self._detokenizer = detokenizer

    @property
    def ids(self) -> tuple[int, ...]:
        """Prompt and tokens so far."""
        return (*self.call.prompt, *self.tokens)

    @property
    def length(self) -> int:
        """Tokens of prompt and text so far."""
        return len(self.call.prompt) + len(self.tokens)

    @property
    def width(self) -> int:
        """Tokens that it has at its longest."""
        return len(self.call.prompt) + self.call.sampling.max_tokens

    def add(self, token: int, logprob: float) -> Text | None:
        """Takes the next token over; the reply if that was the last one."""
        self.tokens.append(token)
        self.logprobs.append(logprob)
        if token in self._detokenizer.ends:
            return self._finish("stop", self._detokenizer.text(self.call.prompt, self.tokens))
        if token in self.call.until:
            return self._finish("stop", self._detokenizer.text(self.call.prompt, self.tokens[:-1]))
        stopped = self._stopped()
        if stopped is not None:
            return self._finish("stop", stopped)
        if len(self.tokens) < self.call.sampling.max_tokens:
            return None
        # A character of several tokens of which the last is missing decodes to replacement characters.
        text = self._detokenizer.text(self.call.prompt, self.tokens)
        return self._finish("length", text.rstrip("\ufffd"))

    def _stopped(self) -> str | None:
        """The text before the first stop string, if there is one."""
        stops = self.call.sampling.stop
        if not stops:
            return None
        # A token has at least a quarter of a character. Most tokens end nothing: look at the tail first.
        tail = self.tokens[-(4 * max(map(len, stops)) + CONTEXT) :]
        shown = self._detokenizer.text(self.call.prompt if len(tail) == len(self.tokens) else (), tail)
        if not any(stop in shown for stop in stops):
            return None
        text = self._detokenizer.text(self.call.prompt, self.tokens)
        places = [place for stop in stops if (place := text.find(stop)) >= 0]
        return text[: min(places)] if places else None

    def _finish(self, finish: Literal["stop", "length"], text: str) -> Text:
        return Text(text, tuple(self.tokens), tuple(self.logprobs), finish)


def next_tokens(logits: Tensor, drafts: Sequence[Draft], rows: Sequence[int]) -> list[tuple[int, float]]:
    """The next token of each draft and its natural log-probability, raw (before temperature).

    Greedy takes the most probable token; else inverse CDF in the order of token ids, by the draft's own random number:
    a draw depends neither on its company nor on its place in the batch.

    Args:
        logits: [rows, vocabulary].
        rows: the row of each draft; drafts of one prompt share one.
    """
    import torch

    picked: list[tuple[int, float]] = []
    for start in range(0, len(drafts), AT_ONCE):
        part = drafts[start : start + AT_ONCE]
        chosen = logits[torch.tensor(rows[start : start + AT_ONCE], device=logits.device)].float()
        tokens = chosen.argmax(-1)
        drawn = [i for i, draft in enumerate(part) if draft.call.sampling.temperature > 0]
        if drawn:
            places = torch.tensor(drawn, device=logits.device)
            tokens[places] = _draw(chosen[places], [part[i] for i in drawn])
        logprobs = chosen.gather(1, tokens[:, None])[:, 0] - chosen.logsumexp(-1)
        picked += zip(tokens.tolist(), logprobs.tolist(), strict=True)
    return picked


def _draw(logits: Tensor, drafts: Sequence[Draft]) -> Tensor:
    import torch

    device = logits.device
    samplings = [draft.call.sampling for draft in drafts]
    temperatures = torch.tensor([s.temperature for s in samplings], device=device)
    probabilities = (logits / temperatures[:, None]).softmax(-1)
    narrowed = [i for i, s in enumerate(samplings) if s.top_p < 1 or s.top_k]
    if narrowed:
        places = torch.tensor(narrowed, device=device)
        probabilities[places] = _narrow(probabilities[places], [samplings[i] for i in narrowed])
    cumulated = probabilities.cumsum(-1, dtype=torch.float64)
    numbers = torch.tensor([uniform(d.seed, len(d.tokens)) for d in drafts], dtype=torch.float64, device=device)
    # The first token whose cumulated probability is above the number: never one of probability 0.
    found = torch.searchsorted(cumulated, (numbers * cumulated[:, -1])[:, None], right=True)[:, 0]
    return found.clamp(max=logits.shape[-1] - 1)


def _narrow(probabilities: Tensor, samplings: Sequence[Sampling]) -> Tensor:
    """Zero for all but the `top_k` most probable tokens, and among these for all beyond the mass of `top_p`."""
    import torch

    device = probabilities.device
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    most = torch.tensor([s.top_k or ordered.shape[-1] for s in samplings], device=device)
    ordered[torch.arange(ordered.shape[-1], device=device)[None] >= most[:, None]] = 0
    mass = torch.tensor([s.top_p for s in samplings], dtype=torch.float64, device=device)
    cumulated = ordered.cumsum(-1, dtype=torch.float64)
    mass = torch.where(mass < 1, mass * cumulated[:, -1], math.inf)
    ordered[cumulated - ordered >= mass[:, None]] = 0
    return torch.zeros_like(probabilities).scatter_(-1, order, ordered)
