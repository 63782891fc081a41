"""The task: one item is an instruction with a reference answer and two responses of known quality."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.judging.judge.stimuli import KINDS, NAMES, RUBRIC, Description
from experiments.judging.numbered import NumberedItems
from harness.items import Item
from harness.tasks.responses import responses_only

PAIRS = tuple((better, worse) for better, worse in itertools.product(range(5, 0, -1), range(1, 6)) if better > worse)
"""The qualities of the two responses: each of 1 to 5 right facts occurs equally often."""


@dataclass(frozen=True, kw_only=True)
class RatedResponses(NumberedItems):
    """Generated descriptions that give k of five facts rightly. Without the reference answer nobody can tell which.

    Fields as in `harness.tasks.responses.responses_item`, with a reference, and another item's as "other_reference".
    Gold: {"best": [the place of the better response], "scores": [the right facts of each]}.
    """

    version: ClassVar[str] = "1"
    name: str = "rated_responses"
    size: int = 240

    def number(self, at: int) -> Item:
        told, rng = self._told(at)
        better, worse = PAIRS[at % len(PAIRS)]
        scores = rng.sample((better, worse), 2)
        fields: dict[str, Any] = {
            "question": told.instruction,
            "responses": [told.response(rng.sample(range(5), score)) for score in scores],
            "reference": told.reference,
            "other_reference": self._told(at + 1)[0].reference,
            "rubric": list(RUBRIC),
            "section": "facts",
            "subset": told.kind,
            "weight": 1.0,
        }
        return Item(fields, {"best": [scores.index(better)], "scores": scores}, responses_only)

    def _told(self, at: int) -> tuple[Description, random.Random]:
        rng = random.Random(f"rated_responses/{self.seed}/{at}")
        return Description.draw(rng.choice(sorted(KINDS)), rng.choice(NAMES), rng), rng
