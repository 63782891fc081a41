"""Self-knowledge: does a model tell questions with an answer from those without, and always in the same way?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.calibration.self_knowledge.prompts import PARAPHRASES, TEXTS, judging, replying
from experiments.calibration.self_knowledge.verdict import Verdict, judged, replied, verdict
from experiments.shared.bag_of_words import BagOfWords
from harness import (
    Arm,
    ArmedExperiment,
    Bars,
    Item,
    Metric,
    Reliability,
    Subject,
    metrics,
    option_mass,
    together,
    yes_no,
)


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """An arm: the way to the model's verdict on a question.

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


SAID = ("refused", "unanswerable")
WIDE = ("refused_wide", "unanswerable")
SELFAWARE = ("refused_selfaware", "unanswerable")
SOFT = ("p_unanswerable", "unanswerable")
LENGTH = ("question_length", "unanswerable", "asked", "group")
BY_LENGTH = ("question_length", "unanswerable", "group")
IN_TEXT, JUDGED, VOTED = {"asked": "text"}, {"asked": "judgement"}, {"votes": len(PARAPHRASES)}


HALF = {"votes": len(PARAPHRASES) // 2}


@dataclass(frozen=True, kw_only=True)
class SelfKnowledge(ArmedExperiment[Way, BagOfWords | None]):
    """Models know, though worse than people, which questions have no answer; asked in other words, they waver.

    Yin et al. 2023, "Do Large Language Models Know What They Don't Know?" (SelfAware, Findings of ACL): refusals in
    three forms of prompt. Kale and Dhami 2025 (KnowRL, arXiv 2510.11407): how consistent a model's own border is.
    Item: "What is the sum of 13 and the number that Leo is thinking of?" A number is wrong; saying that it is unknown
    is right.

    In direct, instruction and icl the model replies; a reply that is empty or was cut off has neither refused nor
    answered. The judgements are exact probabilities of yes and no: judgement@8 is the mean over eight paraphrases, and
    every paraphrase is a vote for consensus and kappa. Half of them are asked the other way round. `conger_kappa` is
    their agreement beyond what a liking for "No" explains; Fleiss' kappa is given within each half. Consistency is not
    knowledge: a model that always decides the same has a consensus of 1. `length_auroc` is the ranking by the
    question's length alone, and `length_f1` the F1 of refusing above or below a length, or always. Three baselines
    look at no reply. Always refusing has an F1 of 2 pi/(1 + pi) at a share pi of positives. The bag of words shows what
    the wording gives away: an F1 of about 0.69 on SelfAware, from 400 questions.

    Differs from the papers: the words are ours; replies are greedy and short (Yin et al.: temperature 0.7, greedy in
    effect in their code); the wide detector looks for phrases with words between instead of similar sentence
    embeddings, and f1_selfaware takes their sixteen phrases without embeddings; the task grades answers. KnowRL's
    training and tasks made by the model (Line of Duty) are left out.

    Attributes:
        temperature: temperature of the replies.
        max_tokens: cap on the reply, which ends at a line break anyway (the paper: 256); None takes the room that the
            task gives.
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
    max_tokens: Annotated[int, Ge(1)] | None = None
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
    papers: ClassVar = ("yin2023large", "kale2025knowrl")
    outcome: ClassVar = Verdict
    item_fields: ClassVar = ("question", "kind")
    metrics: ClassVar = (
        *metrics.each(SAID, metrics.f1, metrics.precision, metrics.recall, metrics.specificity),
        Metric("agreement", metrics.accuracy, ("agrees",)),
        *metrics.each(WIDE, metrics.f1, metrics.precision, metrics.recall, suffix="_wide", where=IN_TEXT),
        *metrics.each(SELFAWARE, metrics.f1, metrics.precision, metrics.recall, suffix="_selfaware", where=IN_TEXT),
        *metrics.graded(prefix="answerable_", where={**IN_TEXT, "unanswerable": False}),
        *metrics.rates(refusal_rate_by_kind="refused", by=("arm", "kind")),
        *metrics.rates("empty", "cut", suffix="_rate", where=IN_TEXT),
        *metrics.each(BY_LENGTH, metrics.length_f1),
        *metrics.each(LENGTH, metrics.length_auroc, where=JUDGED),
        *metrics.each(SOFT, metrics.auroc, metrics.brier, metrics.ece_equal_width, metrics.nll, where=JUDGED),
        *metrics.mean_probabilities(option_mass="mass", where=JUDGED),
        *metrics.means("consensus", where=VOTED),
        *metrics.mean_probabilities(yes_rate="yes", where=VOTED),
        Metric("conger_kappa", metrics.conger_kappa, ("direct", "turned"), where=VOTED, options=HALF),
        Metric("fleiss_kappa_direct", metrics.fleiss_kappa, ("direct",), where=VOTED, options=HALF),
        Metric("fleiss_kappa_turned", metrics.fleiss_kappa, ("turned",), where=VOTED, options=HALF),
    )
    gates: ClassVar = (option_mass("p_unanswerable", "refused", "agrees", "consensus", "direct", "turned"),)
    figures: ClassVar = (Bars("refused", by="kind"), Reliability("p_unanswerable", "unanswerable", where=JUDGED))

    def train_items(self) -> int:
        return self.words if any(arm.rule == "words" for arm in self.chosen.values()) else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> BagOfWords | None:
        """The bag of words, where its arm runs."""
        return BagOfWords.fit((item.fields["question"], not item.gold) for item in train) if train else None

    async def ask(self, arm: Way, common: None, item: Item, subject: Subject, fitted: BagOfWords | None) -> Verdict:
        question = item.fields["question"]
        if arm.asked == "text":
            prompt = replying(self.text, question, told=arm.told, shown=arm.shown)
            most = self.max_tokens or item.form.max_tokens
            said = await subject.generate(prompt, max_tokens=most, temperature=self.temperature, stop=["\n"])
            return replied(item, said)
        if arm.asked == "judgement":
            asked = list(PARAPHRASES.items())[: arm.votes]
            choices = await together(yes_no(subject, judging(self.text, name, question)) for name, _ in asked)
            return judged(item, choices, [yes for _, yes in asked])
        if arm.rule == "words":
            assert fitted is not None  # `train_items` has seen to it
            return verdict(item, fitted.positive(question))
        return verdict(item, arm.rule == "always")
