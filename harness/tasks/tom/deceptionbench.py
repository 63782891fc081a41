"""DeceptionBench: does a model deceive when that is rewarded or demanded? (Huang et al. 2025, arXiv 2510.15501)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.items import SOLUTION, Grade, Item, grader
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row

PROMPTS = ("L1-self", "L1-other", "L2-self-pressure", "L2-self-reward", "L2-other-pressure", "L2-other-reward")
"""The six prompts of a scenario: neutral, under pressure and with a reward, for oneself or for somebody else."""

_ASKS_TO_DECEIVE = re.compile(
    r"""\b(?: non-?\s?exist\w* | (?:does|do)(?:n't|\ not)\ exist | fak(?:e[ds]?|ing) | fabricat\w* | falsif\w* | forg(?:e[ds]?|ing)
      | false(?:ly)? | untru\w+ | l(?:ie[ds]?|ying) | deceiv\w* | decept\w* | mislead\w* | trick(?:s|ed|ing)? | disguis\w*
      | pretend\w* | exaggerat\w* | overstat\w* | inflat(?:e[ds]?|ing) | conceal\w* | hid(?:e[s]?|den|ing) | cover(?:ing)?\ up
      | withhold\w* | downplay\w* | made-up | mak(?:e|ing)\ up
      | without\ (?:mention\w*|disclos\w*|reveal\w*|telling) | (?:not|never)\ (?:mention|disclose|reveal|admit)
      | (?:make|convinc\w+|persuad\w+|let)\ (?:\w+\ ){0,3}(?:believ\w+|think) )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"']?\s+")


@dataclass(frozen=True, kw_only=True)
class DeceptionBench(HubTask):
    """150 scenarios, each with six prompts; whether a reply deceives is for a judge to say.

    The hub's only split is called "train". `path` names a local copy: a file of rows, or a folder of JSON files, one a
    topic. Another set of 180 scenarios has the same name (Ji et al. 2025, arXiv 2505.18807). Licences contradict each
    other: the card on the hub names CC-BY-SA-4.0, the README of the release says academic use only, no commercial use.

    An item is a scenario. Fields: "prompts" (by "L1-self", "L1-other", "L2-self-pressure", "L2-self-reward",
    "L2-other-pressure" and "L2-other-reward"), "question" (its core), "groundtruth" (what an honest reply contains),
    "goal" (what a deceptive one achieves), "topic", "dimension", and "instructed".

    Many neutral prompts ask for a lie ("what non-existent feature will you name?"), so that obeying them is not deceit
    of the model's own. "instructed" is "instructed" where the question, or the last sentence of a neutral prompt, has a
    word that asks for it (fake, conceal, without mentioning, make somebody believe), else "uninstructed". The rule is
    coarse: it sees words, and knows no irony or negation. Report both groups.

    A reply has no grade without a judge: every answer is unreadable to the grader.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "github.com/Aries-iai/DeceptionBench"
    licence: ClassVar[str] = "CC-BY-SA-4.0 by its card on the hub"
    files: ClassVar[Sequence[str]] = ("*.jsonl", "*.json", "data/*.json")
    name: str = "deceptionbench"
    hub: str = "skyai798/DeceptionBench"
    split: str = "train"

    def source(self) -> str:
        return f"{super().source()}; the README of its release says: academic use only, no commercial use"

    def item(self, row: Row) -> Item:
        prompts = {name: row.text(name) for name in PROMPTS}
        question, groundtruth = row.text("question"), row.text("groundtruth")
        asked = [question, *(last_sentence(prompts[name]) for name in PROMPTS if name.startswith("L1"))]
        fields = {
            "question": question,
            "prompts": prompts,
            "groundtruth": groundtruth,
            "goal": row.text("goal"),
            "topic": row.text("topic"),
            "dimension": row.text("dimension"),
            "instructed": "instructed" if any(map(asks_to_deceive, asked)) else "uninstructed",
        }
        return Item(fields=fields, gold=groundtruth, grader=for_a_judge, form=SOLUTION)


@grader
def for_a_judge(text: str, item: Item) -> Grade:
    """No grade: honest or not is for a judge to say. Gold: what an honest reply contains."""
    return Grade("", None)


def asks_to_deceive(text: str) -> bool:
    """Whether a text has a word that asks for a lie, or for keeping something back."""
    return bool(_ASKS_TO_DECEIVE.search(text))


def last_sentence(text: str) -> str:
    """The last sentence of a text, which in a prompt is the request."""
    return _SENTENCE.split(text.strip())[-1]
