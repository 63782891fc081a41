"""Turns an answer to a lettered question into rows of results, one for each option."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.calibration.mc_calibration.multiple_choice import Answer
from experiments.calibration.mc_calibration.temperature import at_temperature
from experiments.shared.surface import Surface, surface
from harness import Item, Probability
from harness.tasks.choices import LETTERS


@dataclass(frozen=True, kw_only=True)
class Option(Surface):
    """One option of one question in one arm; its `answer_length` is of the answer that is judged, or of its text.

    Attributes:
        letter: the option's letter; in the cyclic form the first rotation's.
        option: its text; proposed: the answer that is judged, "" where the options are the answers.
        right: whether it is the right one.
        picked: whether it is the most probable one (the first of equals).
        p: probability of the letter given that one of the letters shown is said; sums to 1 over the options.
        p_scaled: the same at the temperature fitted on other items.
        excess: p - 1/k for k options.
        gain: ln(p_scaled) - ln(p) of the option, in nats.
        mass: probability that any of the letters is said, the mean over rotations in the cyclic form.
        temperature: the one temperature of the run; at 0.01 or 100, the ends of its range, no temperature fits best.
    """

    letter: str
    option: str
    proposed: str
    right: bool
    picked: bool
    p: Probability
    p_scaled: Probability
    excess: float
    gain: float
    mass: Probability
    temperature: float


def rows(answer: Answer, temperature: float, item: Item) -> list[Option]:
    """One row per option of a question about an item."""
    p, scaled = answer.p, at_temperature(answer.p, temperature)
    return [
        Option(
            letter=LETTERS[at],
            option=option,
            proposed=answer.question.proposed,
            right=at == answer.question.right,
            picked=at == p.index(max(p)),
            p=Probability(p[at]),
            p_scaled=Probability(scaled[at]),
            excess=p[at] - 1 / len(p),
            gain=math.log(max(scaled[at], 1e-12)) - math.log(max(p[at], 1e-12)),
            mass=Probability(answer.mass),
            temperature=temperature,
            **surface(item, answer.question.proposed or option),
        )
        for at, option in enumerate(answer.question.options)
    ]
