"""Self-knowledge: does a model tell questions with an answer from those without, and always in the same way?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from experiments.calibration.self_knowledge.bag_of_words import BagOfWords
from experiments.calibration.self_knowledge.prompts import FORMS, PARAPHRASES, Form, asking, judging
from harness import Bars, Experiment, HarnessError, Item, Metric, Outcome, Probability, Reliability, Subject, metrics
from harness.tasks.refusals import refuses


@dataclass(frozen=True, kw_only=True)
class SelfKnowledgeOutcome(Outcome):
    """What was said of one question in one arm. Positive are the questions without an answer.

    Attributes:
        asked: "text", "judgement" or "nothing" (a baseline).
        kind: of the question, see the task.
        unanswerable: the truth; refused: what was said, strictly by phrases or by the judgement; None when nothing was.
        refused_wide: by the wide detector of refusals.
        agrees: whether `refused` is the truth.
        empty: whether the reply has no words.
        correct: of answerable questions, whether the reply gives the answer; refusing is wrong.
        reply: the text.
        p_unanswerable: probability said, one's own or the mean of the eight; mass: that any option is said.
        share: share of the eight judgements that say "unanswerable"; consensus: share that says what most say.
        yes: share of the eight that say "Yes", which means "answerable" in four of them.
    """

    asked: str
    kind: str
    unanswerable: bool
    refused: bool | None
    refused_wide: bool | None = None
    agrees: bool | None
    empty: bool | None = None
    correct: bool | None = None
    reply: str | None = None
    p_unanswerable: Probability | None = None
    mass: Probability | None = None
    share: Probability | None = None
    consensus: float | None = None
    yes: Probability | None = None


SAID = ("refused", "unanswerable")
WIDE = ("refused_wide", "unanswerable")
SOFT = ("p_unanswerable", "unanswerable")
IN_TEXT, JUDGED = {"asked": "text"}, {"asked": "judgement"}
ALL = f"judgement@{len(PARAPHRASES)}"


@dataclass(frozen=True, kw_only=True)
class SelfKnowledge(Experiment):
    """Claim: models know, though worse than people, which questions cannot be answered; asked again, they waver.

    Yin et al. 2023 (SelfAware, Findings of ACL): F1 of refusals with three forms of prompt, the questions without an
    answer as positives. Kale and Dhami 2025 (KnowRL, arXiv 2510.11407) and their "Line of Duty": how consistent is a
    model's own border between feasible and infeasible? Protocols C and B there; nothing is trained, and no tasks are
    generated (their protocol A).
    Item: "What is the sum of 13 and the number that Leo is thinking of?" Nobody can tell; "The answer is unknown." is
    right, and a number is wrong.

    Arms, one row an item each:
        direct, instruction, icl: the three forms; a reply that refuses by the phrases of `harness.tasks.refusals`
            says "unanswerable". An empty reply says nothing, and is missing in all numbers.
        judgement@1: exact p(unanswerable) after one yes-or-no question.
        judgement@8: the mean over eight paraphrases of it, in four of which "Yes" means "unanswerable". Each is a vote;
            consensus and Fleiss' kappa are over the votes. Consistency is not knowledge: who always votes the same
            has a consensus of 1 (and no kappa), and agrees with the truth by chance.
        always refuses, never refuses: what F1 does without looking; 2 pi/(1 + pi) at a share pi of positives.
        bag of words (with words > 0): naive Bayes of the question's words, fitted on other questions; what the wording
            gives away. On SelfAware with 400 questions its F1 is about 0.69, so that a lower one shows no knowledge.

    Differs from the papers: wording and demonstrations are ours; greedy and few tokens (Yin et al.: temperature 0.7
    and 256 tokens, greedy in effect in their code); in place of similar sentence embeddings the wide detector takes
    phrases with words between; answers are graded by the task, not by substring.

    Attributes:
        forms: which forms are asked.
        max_tokens: cap on the reply; it ends at a line break anyway.
        temperature: of the reply; 0 is greedy.
        words: training questions of the bag of words; 0 leaves that arm out. A task whose groups all are under test,
            as those of `unanswerable`, has none to give.

    Raises:
        HarnessError: an unknown or no form.
    """

    forms: Sequence[Form] = ("direct", "instruction", "icl")
    max_tokens: int = 16
    temperature: float = 0.0
    words: int = 0

    outcome: ClassVar = SelfKnowledgeOutcome
    item_fields: ClassVar = ("question", "kind")
    metrics: ClassVar = (
        *metrics.each(SAID, metrics.f1, metrics.precision, metrics.recall, metrics.specificity),
        Metric("agreement", metrics.accuracy, ("agrees",)),
        *metrics.each(WIDE, metrics.f1, metrics.precision, metrics.recall, suffix="_wide", where=IN_TEXT),
        Metric("answerable_accuracy", metrics.accuracy, ("correct",), where={**IN_TEXT, "unanswerable": False}),
        *metrics.rates(refusal_rate_by_kind="refused", by=("arm", "kind")),
        *metrics.rates("empty", suffix="_rate", where=IN_TEXT),
        *metrics.each(SOFT, metrics.auroc, metrics.brier, metrics.ece_equal_width, where=JUDGED),
        *metrics.means(option_mass="mass", where=JUDGED),
        *metrics.means("consensus", yes_rate="yes", where={"arm": ALL}),
        Metric(
            "fleiss_kappa", metrics.fleiss_kappa, ("share",), where={"arm": ALL}, options={"votes": len(PARAPHRASES)}
        ),
    )
    figures: ClassVar = (Bars("refused", by="kind"), Reliability("p_unanswerable", "unanswerable"))

    def __post_init__(self) -> None:
        if not self.forms or set(self.forms) - set(FORMS):
            raise HarnessError(f"experiment.forms={list(self.forms)}; give some of {', '.join(FORMS)}")

    def train_items(self) -> int:
        return self.words

    async def prepare(self, train: Sequence[Item], subject: Subject) -> BagOfWords | None:
        """The bag of words, if it is wanted."""
        return BagOfWords.fit((item.fields["question"], not item.gold) for item in train) if train else None

    async def protocol(self, item: Item, subject: Subject, fitted: BagOfWords | None) -> list[SelfKnowledgeOutcome]:
        texts = asyncio.gather(*(self._answer(item, form, subject) for form in self.forms))
        rows, judged = await asyncio.gather(texts, _judge(item, subject))
        baselines = {"always refuses": True, "never refuses": False}
        if fitted is not None:
            baselines["bag of words"] = fitted.positive(item.fields["question"])
        return [*rows, *judged, *(_row(item, arm, "nothing", refused=said) for arm, said in baselines.items())]

    async def _answer(self, item: Item, form: Form, subject: Subject) -> SelfKnowledgeOutcome:
        """The reply to one form of prompt."""
        asked = asking(form, item.fields["question"])
        reply = await subject.generate(asked, max_tokens=self.max_tokens, temperature=self.temperature, stop=["\n"])
        refused = refuses(reply.text)
        correct = item.grade(reply.text).correct if item.gold and not refused else False
        return _row(
            item,
            form,
            "text",
            refused=refused,
            refused_wide=refuses(reply.text, wide=True),
            empty=refused is None,
            correct=correct if item.gold and refused is not None else None,
            reply=reply.text,
        )


async def _judge(item: Item, subject: Subject) -> list[SelfKnowledgeOutcome]:
    """One exact judgement of whether the question has an answer, and the mean of all."""
    question = item.fields["question"]
    options = {"yes": [" Yes"], "no": [" No"]}
    choices = await asyncio.gather(*(subject.choose(judging(p, question), options) for p in PARAPHRASES))
    without = [c.p["no" if p.yes else "yes"] for c, p in zip(choices, PARAPHRASES, strict=True)]
    n = len(choices)
    votes = sum(p > 0.5 for p in without)
    average = sum(without) / n
    one = _row(
        item,
        "judgement@1",
        "judgement",
        refused=without[0] > 0.5,
        p_unanswerable=Probability(without[0]),
        mass=Probability(choices[0].mass),
    )
    every = _row(
        item,
        ALL,
        "judgement",
        refused=average > 0.5,
        p_unanswerable=Probability(average),
        mass=Probability(sum(c.mass for c in choices) / n),
        share=Probability(votes / n),
        consensus=max(votes, n - votes) / n,
        yes=Probability(sum(c.p["yes"] > 0.5 for c in choices) / n),
    )
    return [one, every]


def _row(item: Item, arm: str, asked: str, *, refused: bool | None, **columns: Any) -> SelfKnowledgeOutcome:
    """The row of one arm; positive are the questions without an accepted answer."""
    unanswerable = not item.gold
    return SelfKnowledgeOutcome(
        arm=arm,
        asked=asked,
        kind=str(item.fields["kind"]),
        unanswerable=unanswerable,
        refused=refused,
        agrees=None if refused is None else refused == unanswerable,
        **columns,
    )
