"""Asks for a sentence at a wanted score, given or written by the model, and reads its activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.introspection.neurofeedback.fitting import Target
from experiments.introspection.neurofeedback.prompts import BRACE, Example, Wording, controlling, states_of
from experiments.introspection.neurofeedback.rows import Trial
from harness import ItemError, Subject, together
from harness.metrics import Floats

Spoken = tuple[str, Floats | None]
"""A sentence and its activation [width]; None where the model wrote nothing."""


async def implicit(
    wording: Wording, subject: Subject, shown: Sequence[Example], layer: int, *, sentence: str
) -> list[Spoken]:
    """A given sentence as the answer to the requests for 1 and for 0; both have the same tokens.

    Raises:
        ItemError: they have other tokens.
    """
    prompts = [controlling(wording, shown, score, sentence) for score in (True, False)]
    read = await together(states_of(subject, prompt, sentence, [layer]) for prompt in prompts)
    if read[0][1] != read[1][1]:
        raise ItemError(f"{sentence[:60]!r} has other tokens behind the one request than behind the other")
    return [(sentence, states[0]) for states, _ in read]


async def explicit(
    wording: Wording,
    subject: Subject,
    shown: Sequence[Example],
    layer: int,
    *,
    max_tokens: int,
    temperature: float,
) -> list[Spoken]:
    """A sentence of the model's own at the requests for 1 and for 0, read by its very tokens.

    Every item has a draw of its own, because the requests of two items may be the same.
    """
    draw = subject.random("written").randrange(1 << 31)

    async def write(score: bool) -> Spoken:
        prompt, stop = controlling(wording, shown, score), [BRACE, "\n"]
        reply = await subject.generate(prompt, max_tokens=max_tokens, temperature=temperature, stop=stop, draw=draw)
        if not (text := reply.text.strip()):
            return text, None
        states, _ = await states_of(subject, subject.after(prompt, reply), text, [layer])
        return text, states[0]

    return await together(map(write, (True, False)))


def trials(target: Target, among: Sequence[Target], spoken: Sequence[Spoken], row: Trial) -> list[Trial]:
    """The rows of both requests, along every axis of the layer.

    Args:
        among: all targets; those of the same layer are measured.
        spoken: under the request for 1, and under that for 0.
        row: what all rows have in common.
    """
    rows = []
    for other in (one for one in among if one.layer == target.layer):
        high, low = (_score(other, one) for one in spoken)
        shift = None if high is None or low is None else high - low
        here = replace(row, measured=other.name, on_target=other.name == target.name)
        why = "" if shift is not None else "the model wrote nothing under one of the requests"
        rows += [
            replace(here, target=True, z=high, shift=shift, written=spoken[0][0], reason=why),
            replace(here, target=False, z=low, written=spoken[1][0], reason=why),
        ]
    return rows


def _score(target: Target, spoken: Spoken) -> float | None:
    text, state = spoken
    return None if state is None else float(target.axis.z(state[None], [text])[0])
