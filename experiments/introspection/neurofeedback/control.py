"""Asks for a sentence at a wanted score, given or written by the model, and reads its activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.introspection.neurofeedback.fitting import Target
from experiments.introspection.neurofeedback.prompts import STOP, Example, Wording, controlling
from experiments.introspection.neurofeedback.rows import Trial
from harness import Array, ItemError, Prompt, Subject, together
from harness.metrics import Floats
from harness.tasks.refusals import refuses
from harness.tasks.texts import words


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence under a request.

    Attributes:
        lengths: mean lengths of its activations along the axes of a layer, [axes]; None where it has none, and why: it
            is empty or a refusal, repeats an example, or cannot be read again.
    """

    text: str
    lengths: Floats | None
    why: str = ""


async def implicit(
    wording: Wording, subject: Subject, shown: Sequence[Example], among: Sequence[Target], *, sentence: str
) -> list[Spoken]:
    """A given sentence as the answer to the requests for 1 and for 0; both have the same tokens.

    Args:
        among: the axes of a layer, along which it is read.

    Raises:
        ItemError: they have other tokens.
    """
    prompts = [controlling(wording, shown, score, sentence) for score in (True, False)]
    places = [subject.positions(prompt, sentence, -1) for prompt in prompts]
    ids = [subject.renderer.render(prompt).ids for prompt in prompts]
    said = [some[where.start : where.stop] for some, where in zip(ids, places, strict=True)]
    if said[0] != said[1]:
        raise ItemError(f"{sentence[:60]!r} has other tokens behind the one request than behind the other")
    read = (lengths(subject, prompt, where, among) for prompt, where in zip(prompts, places, strict=True))
    return [Spoken(sentence, found) for found in await together(read)]


async def explicit(
    wording: Wording,
    subject: Subject,
    shown: Sequence[Example],
    among: Sequence[Target],
    *,
    max_tokens: int,
    temperature: float,
) -> list[Spoken]:
    """A sentence of the model's own at the requests for 1 and for 0, read by its very tokens.

    Every item has a draw of its own, because the requests of two items may be the same.
    """
    draw = subject.random("written").randrange(1 << 31)

    async def write(score: bool) -> Spoken:
        prompt = controlling(wording, shown, score)
        reply = await subject.generate(prompt, max_tokens=max_tokens, temperature=temperature, stop=[STOP], draw=draw)
        if not (text := reply.text.strip()):
            return Spoken(text, None, "the model wrote nothing")
        if refuses(text):
            return Spoken(text, None, "the model refuses to write a sentence")
        if any(repeats(text, sentence) for sentence, _ in shown):
            return Spoken(text, None, "the model repeats a sentence that it was shown")
        try:
            whole = subject.after(prompt, reply)
            where, decode = subject.reply_positions(whole), subject.renderer.tokenizer.decode
        except ItemError as error:  # a special token in the midst of it
            return Spoken(text, None, str(error))
        # A stop string that ended the text is among the reply's tokens, and is no part of the sentence.
        own = next((n for n in range(1, len(where)) if text in decode(reply.tokens[:n])), len(where))
        return Spoken(text, await lengths(subject, whole, where[:own], among))

    return await together(map(write, (True, False)))


def repeats(text: str, sentence: str) -> bool:
    """Whether a text holds all words of a sentence in their order, or is a piece of it of three words or more.

    Articles and signs do not count. To repeat an example of the wanted score leads to this score, and is no control.
    """
    said, shown = words(text), words(sentence)
    short, long = sorted((said, shown), key=len)
    inside = any(long[i : i + len(short)] == short for i in range(len(long) - len(short) + 1))
    return inside and len(short) >= min(3, len(shown))


async def lengths(subject: Subject, prompt: Prompt, where: Sequence[int], among: Sequence[Target]) -> Floats:
    """Mean lengths of activations along the axes of a layer over positions of a prompt, [axes]."""
    onto = Array.of([[target.axis.direction.vector.numpy() for target in among]])
    read = await subject.read(prompt, layers=[among[0].layer], positions=where, pool="mean", onto=onto)
    return np.asarray(read.numpy()[0, 0], dtype=np.float64)


def trials(target: Target, among: Sequence[Target], spoken: Sequence[Spoken], row: Trial) -> list[Trial]:
    """The rows of both requests, along every axis of the layer.

    Args:
        spoken: under the request for 1, and under that for 0.
        row: what all rows have in common.
    """
    rows = []
    for number, other in enumerate(among):
        high, low = (_score(other, number, one) for one in spoken)
        shift = None if high is None or low is None else high - low
        here = replace(row, measured=other.name, on_target=other.name == target.name)
        here = replace(here, reason="; ".join(dict.fromkeys(one.why for one in spoken if one.why)))
        rows += [
            replace(here, target=True, z=high, shift=shift, written=spoken[0].text),
            replace(here, target=False, z=low, written=spoken[1].text),
        ]
    return rows


def _score(target: Target, number: int, spoken: Spoken) -> float | None:
    if spoken.lengths is None:
        return None
    return float(target.axis.scores(spoken.lengths[number : number + 1], [spoken.text])[0])
