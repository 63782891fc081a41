"""Reads a model's states of magnitudes, and chooses the layer whose path predicts its judgements best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random

import numpy as np

from experiments.introspection.perceptual_scale.fisher import Path, Predicted, fisher_path, no_path
from experiments.introspection.perceptual_scale.magnitudes import DOMAINS
from experiments.introspection.perceptual_scale.rows import Judged, along
from experiments.introspection.perceptual_scale.scaling import Design, candidate_likelihood
from harness import Item, Prompt, Subject, together
from harness.metrics import Classes, Numbers


async def paths(
    subject: Subject, domain: str, layers: Sequence[int], *, carriers: int, between: int
) -> dict[int, Path]:
    """The path of each layer at the magnitudes of a domain; without those layers whose states do not move.

    A state is that of the magnitude's last token, behind the block.

    Args:
        carriers: sentences in which every magnitude is read, up to 20.
        between: numbers that are read between neighbouring magnitudes, where the domain is one of numbers.

    Raises:
        ItemError: a sentence cannot be rendered.
    """
    found = DOMAINS[domain]
    grid, sentences = found.denser(between), found.carriers()[:carriers]

    async def state(text: str, sentence: str) -> np.ndarray:
        prompt = Prompt.user(sentence.replace("{s}", text))
        # The last token of the sentence up to the magnitude, as a short number may stand elsewhere in the template.
        upto = sentence[: sentence.index("{s}")] + text
        read = await subject.read(prompt, layers=layers, positions=[subject.positions(prompt, upto, -1)[-1]])
        return np.asarray(read.numpy()[:, 0])

    states = np.stack(await together(state(text, sentence) for text in grid for sentence in sentences))
    by_layer = states.reshape(len(grid), len(sentences), len(layers), -1).swapaxes(0, 2).swapaxes(1, 2)
    walked = {layer: fisher_path(some) for layer, some in zip(layers, by_layer, strict=True)}
    there = {
        layer: dict(zip(grid, map(float, path), strict=True)) for layer, path in walked.items() if path is not None
    }
    return {layer: {text: path[text] for text in found.levels} for layer, path in there.items()}


def predicted(domain: str, by_layer: Mapping[int, Path], judged: Sequence[tuple[Item, Judged]]) -> Predicted:
    """The path of the layer under which training comparisons are most likely; of equals the first.

    Args:
        judged: rows of training items of the domain.
    """
    if not judged:
        return no_path("no training comparison is of this domain; set experiment.train higher")
    if not by_layer:
        return no_path("the states of the magnitudes do not differ at any layer")
    rows = [row for _, row in judged]
    upper = np.array([row.upper for row in rows], dtype=np.float64)
    frames = Classes(np.array([Classes.of(row.frame) for row in rows]))
    design = Design.of(
        frames, *(Numbers(np.array([getattr(row, s) for row in rows])) for s in ("s1", "s2", "s3", "s4"))
    )
    weights = np.ones((1, len(rows)))
    tried = []
    for layer, path in by_layer.items():
        distances = np.array([along(item, path) for item, _ in judged], dtype=np.float64)
        tried.append((layer, float(candidate_likelihood(upper, distances, design, weights)[0])))
    layer = max(tried, key=lambda one: -np.inf if np.isnan(one[1]) else one[1])[0]
    return Predicted(by_layer[layer], _shuffled(by_layer[layer], domain), layer, tuple(tried))


def _shuffled(path: Path, domain: str) -> Path:
    """The same steps in an order that is random but the same in every run."""
    values = [*path.values()]
    steps = [high - low for low, high in pairwise(values)]
    Random(f"steps/{domain}").shuffle(steps)
    return dict(zip(path, [0.0, *np.cumsum(steps).tolist()], strict=True))
