"""Asks for a sentence at a wanted score, given or written by the model, and reads its activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from experiments.introspection.neurofeedback.arms import Way
from experiments.introspection.neurofeedback.fitting import Fit, Target
from experiments.introspection.neurofeedback.prompts import (
    BRACE,
    Wording,
    controlling,
    same_tokens,
    states_of,
)
from experiments.introspection.neurofeedback.reports import Tested
from experiments.introspection.neurofeedback.rows import Trial, about
from harness import Subject, together
from harness.metrics import Floats

Spoken = tuple[str, Floats | None, tuple[int, ...]]
"""A sentence, its activation [width], and its tokens; None where the model wrote nothing."""


async def implicit(
    wording: Wording, subject: Subject, way: Way, fit: Fit, target: Target, tested: Tested, n: int
) -> list[Spoken]:
    """A given sentence as the answer to the requests for 1 and for 0; both have the same tokens.

    Raises:
        ItemError: they have other tokens.
    """
    shown = fit.examples(target, way.labels, tested.order, n, flipped=way.flipped)
    prompts = [controlling(wording, shown, score, tested.sentence) for score in (True, False)]
    read = await together(states_of(subject, prompt, tested.sentence, [target.layer]) for prompt in prompts)
    same_tokens(read[0][1], read[1][1], tested.sentence)
    return [(tested.sentence, states[0], ids) for states, ids in read]


async def explicit(
    wording: Wording,
    subject: Subject,
    way: Way,
    fit: Fit,
    target: Target,
    tested: Tested,
    n: int,
    *,
    max_tokens: int,
    temperature: float,
) -> list[Spoken]:
    """A sentence of the model's own at the requests for 1 and for 0, read by its very tokens.

    Every item has a draw of its own: the requests of two items may be the same.
    """
    shown = fit.examples(target, way.labels, tested.order, n, flipped=way.flipped)
    draw = subject.random("written").randrange(1 << 31)

    async def write(score: bool) -> Spoken:
        prompt = controlling(wording, shown, score)
        reply = await subject.generate(
            prompt, max_tokens=max_tokens, temperature=temperature, stop=[BRACE, "\n"], draw=draw
        )
        text = reply.text.strip()
        if not text:
            return text, None, ()
        states, ids = await states_of(subject, subject.after(prompt, reply), text, [target.layer])
        return text, states[0], ids

    return await together(map(write, (True, False)))


def trials(target: Target, among: Sequence[Target], spoken: Sequence[Spoken], n: int, row: Trial) -> list[Trial]:
    """The rows of both requests, along every axis of the layer.

    Args:
        among: all targets; those of the same layer are measured.
        row: what all rows have in common.
    """
    rows = []
    for other in (one for one in among if one.layer == target.layer):
        scores = [_score(other, one) for one in spoken]
        one, zero = scores
        shift = None if one is None or zero is None else one - zero
        base = replace(row, measured=other.name, on_target=other.name == target.name)
        for wanted, z, (text, state, _) in zip((True, False), scores, spoken, strict=True):
            why = "the model wrote nothing" if state is None else ""
            if wanted and zero is None:
                why = why or "the model wrote nothing for score 0"
            rows.append(replace(base, target=wanted, z=z, shift=shift if wanted else None, written=text, reason=why))
    return rows


def _score(target: Target, spoken: Spoken) -> float | None:
    text, state, _ = spoken
    return None if state is None else float(target.axis.z(np.asarray(state)[None], [text])[0])
