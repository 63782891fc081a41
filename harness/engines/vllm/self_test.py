"""Tries, when a model is loaded, whether its activations are read and changed as they should be, on five tokens.

What vLLM calls its parts, and in which order it adds them up, changes between its versions without a word. The trial
holds the hooks against facts that need no second engine, so that such a change refuses the run and not its results.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Text
from harness.calls.interventions import Add, Intervention
from harness.engines.base import Usage
from harness.engines.vllm.engine import VLLMEngine
from harness.engines.vllm.inside import Inside
from harness.errors import HarnessError

TOKENS = (11, 13, 17, 19, 23)
WHERE, FROM = 2, 1
"""The position that is changed, which those before it cannot see; and whose stream is added there. Its own stream would
only make it longer, which the norms behind take back."""

FIRST = {"float32": 1e-4}, 0.05
"""Relative differences of activations that rounding explains, by dtype, and of any other dtype."""

SECOND = {"float32": 1e-3}, 0.3
"""The same of log-probabilities, natural logarithms."""


def self_test(engine: VLLMEngine, inside: Inside) -> None:
    """Makes the trial.

    Raises:
        HarnessError: it shows another result.
    """
    fault = asyncio.run(_Trial(engine, inside).fault())
    engine.usage = Usage()
    if fault:
        version = f"vLLM {engine.identity.get('version')}"
        raise HarnessError(
            f"engine=vllm cannot read or change activations of this model in {version}: in a trial, {fault}; use "
            "engine=transformers"
        )


class _Trial:
    def __init__(self, engine: VLLMEngine, inside: Inside) -> None:
        self._engine = engine
        self._inside = inside
        self._last = inside.layers - 1
        self._middle = self._last // 2
        dtype = engine.identity.get("dtype", "")
        self._tolerance, self._nats = (known.get(dtype, other) for known, other in (FIRST, SECOND))

    async def fault(self) -> str:
        """What is wrong; "" where nothing is."""
        plain, last, normed, first = await self._activations(
            self._read(), self._read(self._last), self._read(self._last, site="final_norm"), self._read(0, "resid_pre")
        )
        if not self._same(normed, self._inside.norm(last)):
            return "the final norm of the stream behind the last block is not what the model computes"
        if self._same(plain, first):
            return "the stream is the same before the first block and behind a later one"
        vector = Array.of(plain[FROM])
        added = self._steered(vector, 2.0, -1.0)
        (there, beyond), effects = await asyncio.gather(
            self._activations(self._read(edits=added), self._read(self._last, edits=added)),
            self._decoding(vector),
        )
        if not self._same(np.delete(there, WHERE, 0), np.delete(plain, WHERE, 0)):
            return "a vector that was added at one token was found at others"
        if not self._same(there[WHERE], plain[WHERE] + plain[FROM]):
            return "adding 2 v - v did not add v"
        if not self._same(beyond[:WHERE], last[:WHERE]) or self._same(beyond[WHERE + 1], last[WHERE + 1]):
            return "a change at one token was not passed on to the later ones alone"
        return effects

    async def _decoding(self, vector: Array) -> str:
        """A text that is steered while it is written, against the same tokens as a prompt."""
        steer = (Add(self._middle, "resid_post", vector, 1.0, (), decode=True),)
        (text,) = await self._replies(Generate(TOKENS, Sampling(2), interventions=steer))
        assert isinstance(text, Text)
        if len(text.tokens) < 2:  # the model ended at once
            return ""
        whole, after = (*TOKENS, text.tokens[0]), (len(TOKENS),)
        spelt = Add(self._middle, "resid_post", vector, 1.0, after)
        (choice,) = await self._replies(Choose(whole, text.tokens[1:], (spelt,)))
        assert isinstance(choice, Logprobs)
        if abs(choice.values[0] - text.logprobs[1]) > self._nats:
            return "a text that is steered while it is written differs from the same tokens as a steered prompt"
        return ""

    def _read(self, layer: int | None = None, site: Any = "resid_post", edits: tuple[Intervention, ...] = ()) -> Read:
        layer = self._middle if layer is None else layer
        return Read(TOKENS, (layer,), tuple(range(len(TOKENS))), site, edits)

    def _steered(self, vector: Array, *scales: float) -> tuple[Intervention, ...]:
        return tuple(Add(self._middle, "resid_post", vector, scale, (WHERE,)) for scale in scales)

    async def _activations(self, *calls: Read) -> list[NDArray[np.float32]]:
        replies = await self._replies(*calls)
        return [reply.values.numpy()[0] for reply in replies if isinstance(reply, Activations)]

    async def _replies(self, *calls: Call) -> Sequence[Reply]:
        return await asyncio.gather(*map(self._engine.answer, calls))

    def _same(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
        return float(np.linalg.norm(one - other)) <= self._tolerance * float(np.linalg.norm(one))
