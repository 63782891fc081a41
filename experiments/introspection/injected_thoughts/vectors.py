"""Concept vectors: how the activation at the end of a prompt about a word differs from the mean over other words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from experiments.introspection.injected_thoughts.words import BASELINE, SENTENCES
from harness import Array, Prompt, Subject, fill, together
from harness.metrics.columns import Floats
from harness.vectors.directions import Direction, difference_of_means


@dataclass(frozen=True, slots=True)
class Space:
    """What the baseline words have in common, at each of the layers that are tried.

    Attributes:
        layers: blocks, counted from 0, ascending.
        centre: mean activation of the baseline words, [layers, width].
        baseline: mean of their concept vectors at length 1, [layers, width]: the mean cosine of an activation with all
            of them is its product with this.
        lengths: mean length of their activations, by layer.
        writing: mean activation of the tokens of some sentences that are written without a word in mind, [layers,
            width].
    """

    layers: tuple[int, ...]
    centre: Array
    baseline: Array
    lengths: tuple[float, ...]
    writing: Array

    def vectors(self, states: Array) -> Floats:
        """The concept vectors of the activations of a word, [layers, width]."""
        return states.numpy().astype(np.float64) - self.centre.numpy()

    def direction(self, states: Array, layer: int) -> Direction:
        """The concept vector of a word at one layer."""
        at = self.layers.index(layer)
        return difference_of_means(states.numpy()[[at]], self.centre.numpy()[[at]], layer=layer)

    def share(self, direction: Direction, strength: float) -> float:
        """The length of what is added, as a share of the mean length of the stream at that layer."""
        length = float(np.linalg.norm(direction.vector.numpy().astype(np.float64)))
        return strength * length / self.lengths[self.layers.index(direction.layer)]

    def cosines(self, states: Array, stream: Array) -> tuple[Floats, Floats]:
        """Mean cosine of the tokens of a text with a concept, and how far it lies above that with the baseline words.

        Both are of the stream less the mean stream of writing, because what all tokens share would decide a cosine: a
        few large coordinates as a rule.

        Args:
            states: activations of the word, [layers, width].
            stream: activations of the tokens, [layers, tokens, width].

        Returns:
            Two numbers in each layer.
        """
        centred = _unit(stream.numpy().astype(np.float64) - self.writing.numpy()[:, None])
        own = np.einsum("ltw,lw->lt", centred, _unit(self.vectors(states))).mean(axis=1)
        return own, own - np.einsum("ltw,lw->lt", centred, self.baseline.numpy()).mean(axis=1)


async def word_states(subject: Subject, wording: Mapping[str, str], word: str, layers: Sequence[int]) -> Array:
    """The activations behind the blocks at the last token of "Tell me about WORD", [layers, width]."""
    prompt = Prompt.user(fill(wording["about"], {"word": word})).thinking("")
    return Array.of((await subject.read(prompt, layers=layers, positions=[-1])).numpy()[:, 0])


async def writing_stream(subject: Subject, layers: Sequence[int], told: str, sentence: str) -> Array:
    """Activations of the tokens of a sentence while the model writes it, [layers, tokens, width].

    Without the last token, which mostly predicts the end of the turn.

    Args:
        told: what the user asks for.
    """
    prompt = Prompt.user(told, sentence).thinking("")
    return await subject.read(prompt, layers=layers, positions=subject.positions(prompt, sentence, -1)[:-1])


async def make_space(subject: Subject, wording: Mapping[str, str], layers: Sequence[int]) -> Space:
    """Reads the baseline words, and ten sentences that are written without a word in mind."""
    lines = SENTENCES[:: len(SENTENCES) // 9]
    read, written = await asyncio.gather(
        together(word_states(subject, wording, word, layers) for word in BASELINE),
        together(writing_stream(subject, layers, fill(wording["no word"], {"sentence": s}), s) for s in lines),
    )
    states = np.stack([one.numpy() for one in read]).astype(np.float64)
    centre = states.mean(axis=0)
    return Space(
        layers=tuple(layers),
        centre=Array.of(centre),
        baseline=Array.of(_unit(states - centre).mean(axis=0)),
        lengths=tuple(np.linalg.norm(states, axis=2).mean(axis=0).tolist()),
        writing=Array.of(np.concatenate([one.numpy() for one in written], axis=1).mean(axis=1, dtype=np.float64)),
    )


def _unit(vectors: Floats) -> Floats:
    """Vectors [..., width] at length 1; one of length 0 stays."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1.0))
