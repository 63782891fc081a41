"""The task: one item is one fact sheet with a question about it, and everything that an incentive needs."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.theory_of_mind.deception.reply_rules import honest_reply
from experiments.theory_of_mind.deception.scenarios import SCENARIOS, Scenario
from experiments.theory_of_mind.sentences import capitalised
from harness import HarnessError, Item, Task, fill
from harness.items import AnswerForm

NAMES = ("Alex", "Avery", "Blair", "Casey", "Devon", "Emery", "Finley", "Harper", "Jamie", "Jordan", "Kendall", "Logan")
ROOM = AnswerForm(96, ())
"""Room for a reply of two sentences. A reply that goes on for longer is cut."""


MOST = 3 * len(NAMES)
"""Variations of a scenario: no two have the same person and the same pair of faults."""


@dataclass(frozen=True, kw_only=True)
class FactSheets(Task):
    """Fact sheets of our own, about things that are for sale or to let, with a question by somebody who may take them.

    An item's fields are texts: "domain", "scenario" (the thing), "role", "name", "asker", "thing", "sheet" (its lines),
    "asked" (the question about the number), "question" (the whole question), "wish", "success", "failure", "amount" (of
    a reward, in euros), and "pairs": true and false replies of equal length, in two wordings. The gold has the truth:
    "number", "units", "higher" (whether a higher number is better for the answerer) and, for each fault, "faults",
    the words of which one names it.

    Twenty scenarios, four in each of five domains, each in as many variations as asked for: other numbers, other faults
    and another order of lines. The scenario is the group.

    Attributes:
        variations: of each scenario.
        seed: seed of the generator; another seed gives other numbers, faults and names.
    """

    version: ClassVar[str] = "1"
    name: str = "fact_sheets"
    variations: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.variations <= MOST:
            raise HarnessError(f"task.variations={self.variations}; give 1 to {MOST}")

    def load(self) -> list[Item]:
        """All variations of all scenarios."""
        rngs = [random.Random(f"{self.seed}/{number}") for number in range(len(SCENARIOS))]
        return [
            fact_sheet(scenario, rng, variation)
            for scenario, rng in zip(SCENARIOS, rngs, strict=True)
            for variation in range(self.variations)
        ]


def fact_sheet(scenario: Scenario, rng: random.Random, variation: int) -> Item:
    """One item; `variation` decides on the faults and the name, chance on the rest."""
    pairs = list(itertools.combinations(scenario.faults, 2))
    faults = pairs[variation % len(pairs)]
    true, false = rng.randint(*scenario.true), rng.randint(*scenario.false)
    lines = [fill(scenario.fact, {"n": true}), *(f"Problem: {line}" for line, _ in faults), *scenario.others]
    rng.shuffle(lines)
    asked = capitalised(scenario.asked)
    fields: dict[str, Any] = {
        **{name: getattr(scenario, name) for name in ("domain", "role", "asker", "thing", "asked")},
        **scenario.stakes,
        "scenario": f"{scenario.thing}: {scenario.role}",
        "name": NAMES[variation // len(pairs)],
        "sheet": "\n".join(f"- {line}" for line in lines),
        "question": f"{asked}, and are there any problems with {scenario.thing}?",
        "amount": rng.randrange(200, 1000, 50),
        "pairs": [[fill(claim, {"n": n}) for n in (true, false)] for claim in scenario.claims],
    }
    gold = {
        "number": true,
        "false": false,
        "units": list(scenario.units),
        "higher": scenario.better == "higher",
        "faults": [list(named) for _, named in faults],
    }
    return Item(fields, gold, honest_reply, group=fields["scenario"], form=ROOM)
