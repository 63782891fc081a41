"""The peers' job as an experiment of the harness: a greedy answer, then whether it is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Experiment, Item, Metric, Outcome, Probability, Prompt, Reliability, Subject
from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.ranking import auroc
from scripts.peers.common import ANSWER, JUDGE, NEW_TOKENS

PAIR = ("p_true", "correct")


@dataclass(frozen=True, kw_only=True)
class Judged(Outcome):
    """One judged greedy answer."""

    answer: str
    correct: bool | None
    p_true: Probability


@dataclass(frozen=True, kw_only=True)
class TwoQuestions(Experiment):
    """A greedy answer of at most 16 tokens, then p(True) of it: what the peers' job scripts do."""

    outcome: ClassVar = Judged
    metrics: ClassVar = (
        Metric("auroc", auroc, PAIR),
        Metric("brier", brier, PAIR),
        Metric("ece", ece_equal_width, PAIR),
    )
    figures: ClassVar = (Reliability("p_true", "correct"),)

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> Judged:
        question = str(item.fields["question"])
        text = await subject.generate(exact(ANSWER.format(question=question)), max_tokens=NEW_TOKENS)
        asked = exact(JUDGE.format(question=question, answer=text.text))
        choice = await subject.choose(asked, {"True": [" True"], "False": [" False"]})
        correct = item.grade(text.text).correct
        return Judged(arm="", answer=text.text, correct=correct, p_true=Probability(choice.p["True"]))


def exact(text: str) -> Prompt:
    """The text as it stands, for model.style=plain: its last line is where the model goes on."""
    above, _, last = text.rpartition("\n")
    return Prompt.user(above, last)
