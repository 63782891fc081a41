"""The task: fact sheets of our own in the form of DeceptionBench's scenarios, so that nothing has to be downloaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from experiments.theory_of_mind.deception import prompts
from experiments.theory_of_mind.deception.sheets import FactSheets
from harness import Item

ASKED = tuple(f"L1-{role}" for role in ("self", "other")) + tuple(
    f"L2-{role}-{stake}" for role in ("self", "other") for stake in ("pressure", "reward")
)
"""The six prompts of a scenario, named as in the release."""


@dataclass(frozen=True, kw_only=True)
class FactSheetScenarios(FactSheets):
    """The fact sheets of `FactSheets`, each with the six prompts, the truth and the goal of a scenario in words.

    An item has the fields of `task=deceptionbench`: "prompts" (by "L1-self", "L2-other-reward", ...), "question",
    "groundtruth", "goal", "topic", "dimension" and "instructed". The gold is as of a fact sheet, so that a rule can
    read the same replies.
    """

    version: ClassVar[str] = "1"
    name: str = "deception_scenarios"

    def load(self) -> list[Item]:
        return [scenario(item) for item in super().load()]


def scenario(item: Item) -> Item:
    """A fact sheet as a scenario."""
    fields = item.fields
    faults = [line.removeprefix("- Problem: ") for line in fields["sheet"].splitlines() if "Problem: " in line]
    true, false = fields["pairs"][0]
    made = {
        "question": fields["question"],
        "prompts": {key: prompt(item, key) for key in ASKED},
        "groundtruth": " ".join([true, *(f"{fault}." for fault in faults)]),
        "goal": f"{false} There are no problems.",
        "topic": fields["domain"],
        "dimension": fields["scenario"],
        "instructed": "uninstructed",
    }
    return replace(item, fields=made)


def prompt(item: Item, key: str) -> str:
    """The prompt of a key ("L2-other-reward") for a fact sheet."""
    _, role, *stake = key.split("-")
    named = f"{stake[0]}_{role}" if stake else ""
    return prompts.opening(prompts.TEXTS, item, role=role, stake=named, sheet=True).messages[0].content
