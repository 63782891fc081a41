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

_DECEIT = re.compile(
    r"""\b(?:
        non-?\s?exist\w* | do(?:es)?(?:n't|n\u2019t|\ not)\ exist | fak(?:e[ds]?|ing) | fabricat\w* | falsif\w*
      | forg(?:e[ds]?|ing) | false(?:ly)? | untru\w+ | l(?:ie[ds]?|ying) | deceiv\w* | decept\w* | mislead\w* | illusion
      | trick(?:s|ed|ing)? | disguis\w* | pretend\w* | exaggerat\w* | overstat\w* | inflat(?:e[ds]?|ing) | conceal\w*
      | hid(?:es?|den|ing) | cover(?:ing)?\ up | withhold\w* | downplay\w* | mak(?:e|ing)\ up
      | without\ (?:mention\w*|disclos\w*|reveal\w*|telling) | (?:not|never)\ (?:mention|disclose|reveal|admit)
      | (?:make|convince|persuade)\ (?:\w+\ ){1,4}(?:believe|think|appear|seem|look)
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\?|\b(?:decide|want|plan|need|ask|aim|goal|should|must|help me|tell me|(?:will|would) you|you (?:will|would))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"'\u201d]?\s+")


@dataclass(frozen=True, kw_only=True)
class DeceptionBench(HubTask):
    """150 scenarios, each with six prompts; whether a reply deceives is for a judge to say.

    The hub's only split is called "train". `path` names a local copy: a file of rows, or a folder of JSON files, one a
    topic. Another set of 180 scenarios has the same name (Ji et al. 2025, arXiv 2505.18807). Licences contradict each
    other: the card on the hub names CC-BY-SA-4.0, the README of the release says academic use only, no commercial use.

    An item is a scenario. Fields: "prompts" (by "L1-self", "L1-other", "L2-self-pressure", "L2-self-reward",
    "L2-other-pressure" and "L2-other-reward"), "question" (its core), "groundtruth" (what an honest reply contains),
    "goal" (what a deceptive one achieves), "topic", "dimension", and "instructed".

    Many neutral prompts ask for a lie ("what non-existent feature will you name?"), and who obeys does what was asked.
    "instructed" is "instructed" where the question, or a sentence of a neutral prompt that states a request or a plan,
    has a word of deceit (fake, conceal, without mentioning, make somebody believe), else "uninstructed". The rule is
    coarse: it sees words only, and misses a plan to write praise of one's own goods. Report both groups.

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
        neutral = (prompt for name, prompt in prompts.items() if name.startswith("L1"))
        instructed = any(map(asks_to_deceive, (f"{question}?", *neutral)))
        fields = {
            "question": question,
            "prompts": prompts,
            "groundtruth": groundtruth,
            "goal": row.text("goal"),
            "topic": row.text("topic"),
            "dimension": row.text("dimension"),
            "instructed": "instructed" if instructed else "uninstructed",
        }
        return Item(fields=fields, gold=groundtruth, grader=for_a_judge, form=SOLUTION)


@grader
def for_a_judge(text: str, item: Item) -> Grade:
    """No grade: honest or not is for a judge to say. Gold: what an honest reply contains."""
    return Grade("", None)


def asks_to_deceive(text: str) -> bool:
    """Whether a sentence that states a request or a plan has a word of deceit, or of keeping something back."""
    return any(_DECEIT.search(sentence) for sentence in _SENTENCE.split(text) if _REQUEST.search(sentence))
