"""A question of a template, with or without an answer, and the parts that the templates of all kinds share."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from experiments.calibration.self_familiarity.invented import invent
from harness import Grader
from harness.tasks.graders import aliases, short_answer
from harness.tasks.texts import word_list

MOST = 400
"""Questions of one template and kind that are made, at most."""

NAMES = word_list(
    "Ada Boris Chloe Dmitri Elena Felix Greta Hugo Ines Jonas Kira Leo Mara Nils Olga Pavel Rosa Sven Tara Yuri"
)


class Question(NamedTuple):
    """A question; gold is an empty list when there is no answer, and then `grader` is not asked."""

    text: str
    gold: str | list[str] = []  # noqa: RUF012
    grader: Grader = short_answer


Both = tuple[list[Question], list[Question]]
"""Questions with an answer, and questions without one in the same words."""


def both(ask: str, known: Mapping[str, str | list[str]], without: Iterable[str], grader: Grader = short_answer) -> Both:
    """The questions of a template with one gap, `{}`, which the keys of `known` and of `without` fill."""
    asked = [Question(ask.format(gap), gold, grader) for gap, gold in known.items()]
    return asked, [Question(ask.format(gap)) for gap in without]


def made_up(
    rng: random.Random,
    ask: str,
    known: Mapping[str, str | list[str]],
    endings: Sequence[str],
    *,
    capital: bool = True,
    grader: Grader = short_answer,
) -> Both:
    """The questions of a template about what exists, and about names that are made up."""
    # Names of the template itself, so that no real one is taken for a made-up one.
    taken = {word for gap, gold in known.items() for text in (gap, *aliases(gold)) for word in text.split()}
    return both(ask, known, invent(rng, MOST, endings, taken=taken, capital=capital), grader)
