"""Self-knowledge: does a model tell questions with an answer from those without, and always in the same way?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.calibration.self_knowledge.bag_of_words import BagOfWords
from experiments.calibration.self_knowledge.prompts import DEMONSTRATIONS, PARAPHRASES, TEXTS
from harness import (
    Arm,
    ArmedExperiment,
    Bars,
    Item,
    Message,
    Metric,
    Outcome,
    Probability,
    Prompt,
    Reliability,
    Subject,
    metrics,
    together,
    yes_no,
)
from harness.tasks.refusals import refuses


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """How one gets to know what the model thinks of a question.

    Attributes:
        asked: for a "text" that may refuse, for a "judgement", or for "nothing" (a baseline).
        told: whether the prompt says that refusing is allowed; shown: whether demonstrations stand before it.
        votes: how many of the eight paraphrases of the judgement are asked.
        rule: of a baseline: "always" refuses, "never" refuses, or decides by the question's "words".
    """

    asked: str = "text"
    told: bool = False
    shown: bool = False
    votes: int = 0
    rule: str = "none"


@dataclass(frozen=True, kw_only=True)
class Verdict(Outcome):
    """What was said of one question in one arm. Positive are the questions without an answer.

    Attributes:
        kind: of the question, see the task; unanswerable: the truth.
        refused: what was said, strictly by phrases or by the judgement; None when nothing was.
        refused_wide: by the wide detector of refusals.
        agrees: whether `refused` is the truth.
        empty: whether the reply has no words.
        correct: of answerable questions, whether the reply gives the answer; refusing is wrong.
        reply: the text.
        p_unanswerable: mean probability of the judgements; mass: mean probability that any option is said.
        share: share of the judgements that say "unanswerable"; consensus: share that says what most say.
        yes: share of the judgements that say "Yes", which means "answerable" in every second of them.
    """

    kind: str
    unanswerable: bool
    refused: bool | None
    agrees: bool | None
    refused_wide: bool | None = None
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
IN_TEXT, JUDGED, VOTED = {"asked": "text"}, {"asked": "judgement"}, {"votes": len(PARAPHRASES)}


@dataclass(frozen=True, kw_only=True)
class SelfKnowledge(ArmedExperiment[Way, BagOfWords | None]):
    """Models know, though worse than people, which questions have no answer; asked in other words, they waver.

    Yin et al. 2023, "Do Large Language Models Know What They Don't Know?" (SelfAware, Findings of ACL): refusals in
    three forms of prompt. Kale and Dhami 2025 (KnowRL, arXiv 2510.11407): how consistent a model's own border is.
    Item: "What is the sum of 13 and the number that Leo is thinking of?" A number is wrong; saying that it is unknown
    is right.

    In direct, instruction and icl the model replies; an empty reply says nothing and is missing in all numbers. The
    judgements are exact probabilities of yes and no: judgement@8 is the mean over eight paraphrases, and every
    paraphrase is a vote for consensus and Fleiss' kappa. Consistency is not knowledge: a model that always votes the
    same has a consensus of 1. Three baselines look at no reply. Always refusing has an F1 of 2 pi/(1 + pi) at a share
    pi of positives. The bag of words shows what the wording gives away: an F1 of about 0.69 on SelfAware, from 400
    questions.

    Differs from the papers: the words are ours; replies are greedy and short (Yin et al.: temperature 0.7, greedy in
    effect in their code); the wide detector looks for phrases with words between instead of similar sentence
    embeddings; the task grades answers. KnowRL's training and tasks made by the model (Line of Duty) are left out.

    Attributes:
        max_tokens: cap on the reply, which ends at a line break anyway (the paper: 256).
        words: training questions of the bag of words. A task whose groups all are under test, such as `unanswerable`,
            has none to give.
    """

    arms: Sequence[str] = (
        "direct",
        "instruction",
        "icl",
        "judgement@1",
        "judgement@8",
        "always refuses",
        "never refuses",
    )
    max_tokens: Annotated[int, Ge(1)] = 16
    temperature: Annotated[float, Ge(0)] = 0.0
    words: Annotated[int, Ge(2)] = 400

    all_arms: ClassVar = {
        "direct": Way(),
        "instruction": Way(told=True),
        "icl": Way(shown=True),
        "judgement@1": Way(asked="judgement", votes=1),
        "judgement@8": Way(asked="judgement", votes=len(PARAPHRASES)),
        "always refuses": Way(asked="nothing", rule="always"),
        "never refuses": Way(asked="nothing", rule="never"),
        "bag of words": Way(asked="nothing", rule="words"),
    }
    texts: ClassVar = TEXTS
    outcome: ClassVar = Verdict
    item_fields: ClassVar = ("question", "kind")
    metrics: ClassVar = (
        *metrics.each(SAID, metrics.f1, metrics.precision, metrics.recall, metrics.specificity),
        Metric("agreement", metrics.accuracy, ("agrees",)),
        *metrics.each(WIDE, metrics.f1, metrics.precision, metrics.recall, suffix="_wide", where=IN_TEXT),
        Metric("answerable_accuracy", metrics.accuracy, ("correct",), where={**IN_TEXT, "unanswerable": False}),
        *metrics.rates(refusal_rate_by_kind="refused", by=("arm", "kind")),
        *metrics.rates(empty_rate="empty", where=IN_TEXT),
        *metrics.each(SOFT, metrics.auroc, metrics.brier, metrics.ece_equal_width, metrics.nll, where=JUDGED),
        *metrics.means(option_mass="mass", where=JUDGED),
        *metrics.means("consensus", yes_rate="yes", where=VOTED),
        Metric("fleiss_kappa", metrics.fleiss_kappa, ("share",), where=VOTED, options={"votes": len(PARAPHRASES)}),
    )
    figures: ClassVar = (Bars("refused", by="kind"), Reliability("p_unanswerable", "unanswerable", where=JUDGED))

    def train_items(self) -> int:
        return self.words if any(arm.rule == "words" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> BagOfWords | None:
        """The bag of words, where its arm runs."""
        return BagOfWords.fit((item.fields["question"], not item.gold) for item in train) if train else None

    async def ask(self, arm: Way, common: None, item: Item, subject: Subject, fitted: BagOfWords | None) -> Verdict:
        if arm.asked == "text":
            return await self.reply(arm, item, subject)
        if arm.asked == "judgement":
            return await self.judge(arm, item, subject)
        if arm.rule == "words":
            assert fitted is not None  # `train_items` has seen to it
            return verdict(item, fitted.positive(item.fields["question"]))
        return verdict(item, arm.rule == "always")

    async def reply(self, arm: Way, item: Item, subject: Subject) -> Verdict:
        """A reply, and whether it refuses."""
        lead, turns = self.text("lead"), list[Message]()
        for one, answer in DEMONSTRATIONS if arm.shown else ():
            turns += (Message("user", self.text("question", question=one)), Message("assistant", f"{lead} {answer}"))
        turns.append(Message("user", self.text("told" if arm.told else "question", question=item.fields["question"])))
        prompt = Prompt(tuple(turns), lead)
        said = await subject.generate(prompt, max_tokens=self.max_tokens, temperature=self.temperature, stop=["\n"])
        refused = refuses(said.text)
        return replace(
            verdict(item, refused),
            refused_wide=refuses(said.text, wide=True),
            empty=refused is None,
            correct=None if refused is None or not item.gold else not refused and item.grade(said.text).correct,
            reply=said.text,
        )

    async def judge(self, arm: Way, item: Item, subject: Subject) -> Verdict:
        """Exact judgements of whether the question has an answer, and their mean."""
        asked = list(PARAPHRASES.items())[: arm.votes]

        def prompt(name: str) -> Prompt:
            words = self.text("judgement", paraphrase=self.text(name), question=item.fields["question"])
            return Prompt.user(words, self.text("judgement_lead"))

        choices = await together(yes_no(subject, prompt(name)) for name, _ in asked)
        without = [c.p["no" if yes else "yes"] for c, (_, yes) in zip(choices, asked, strict=True)]
        p, share = sum(without) / arm.votes, sum(p > 0.5 for p in without) / arm.votes
        return replace(
            verdict(item, p > 0.5),
            p_unanswerable=Probability(p),
            mass=Probability(sum(c.mass for c in choices) / arm.votes),
            share=Probability(share),
            consensus=max(share, 1 - share),
            yes=Probability(sum(c.p["yes"] > 0.5 for c in choices) / arm.votes),
        )


def verdict(item: Item, refused: bool | None) -> Verdict:
    """The columns that all arms fill."""
    unanswerable = not item.gold
    agrees = None if refused is None else refused == unanswerable
    return Verdict(kind=str(item.fields["kind"]), unanswerable=unanswerable, refused=refused, agrees=agrees)
