"""Semantic entropy and its baselines: which number, computed from the same draws, tells right answers from wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from experiments.calibration.semantic_entropy import uncertainty
from experiments.calibration.semantic_entropy.clustering import Clusters, by_entailment, by_reading
from experiments.calibration.verbalized_confidence.elicitation import FORCED_TOKENS
from experiments.calibration.verbalized_confidence.prompts import Arm, ask_confidence
from experiments.shared import answers
from experiments.shared.confidence import read_confidence
from experiments.shared.demonstrations import judgement, lead, reading
from harness import (
    Experiment,
    HarnessError,
    Item,
    Outcome,
    Part,
    Probability,
    Prompt,
    Reliability,
    RiskCoverage,
    Score,
    Subject,
    Text,
    metrics,
)


@dataclass(frozen=True, kw_only=True)
class UncertaintyOutcome(Outcome):
    """One method on one item.

    Attributes:
        kind: "probability" for a method that states one, "score" for one that only ranks.
        answer: the greedy answer, which all methods are about.
        correct: whether the task's grader accepts it; None when it holds no answer.
        score: higher = surer; None where the method gives nothing.
        p: the same number, of a method that states a probability.
        clusters: distinct meanings among the draws, of a method that looks for them.
        mass: probability that an option is said at all, of a method that asks for one; over several questions the mean.
        entailed: share of entailment questions answered by Yes.
    """

    kind: str
    answer: str = ""
    correct: bool | None = None
    score: Score | None
    p: Probability | None = None
    clusters: int | None = None
    mass: Probability | None = None
    entailed: Probability | None = None


RANK, PAIR = ("score", "correct"), ("p", "correct")
PROBABILITY = {"kind": "probability"}
ENTAILMENT, READING = "semantic entropy/entailment", "semantic entropy/reading"
STATED = Arm.named("percent/two")


@dataclass(frozen=True, kw_only=True)
class SemanticEntropy(Experiment):
    """Claim: entropy over the meanings of sampled answers tells wrong answers better than entropy over their words.

    Farquhar et al. 2024, "Detecting hallucinations in large language models using semantic entropy", Nature 630;
    Kuhn et al. 2023, "Semantic Uncertainty", arXiv 2302.09664.
    Item: "What is the capital of France?" Draws "Paris", "It is Paris.", "Lyon" have two meanings, of shares 2/3 and
    1/3: the entropy is 0.64. The answer that is judged right or wrong is the greedy one.

    Arms are the methods, one row each, higher = surer:
        sequence probability: log p of the greedy answer; .../token: its mean over tokens.
        predictive entropy: mean log p of the draws; .../token: with means over tokens ("naive entropy").
        lexical similarity: mean ROUGE-L between draws.
        semantic entropy/reading, /entailment: minus the entropy over meanings, by the task's reading of an answer or by
            the judge's Yes to "does one entail the other" in both directions (+model@roles.judge.model=...; without one
            the subject judges its own). .../discrete: meanings weigh by their share of draws; .../rao: by probability.
        agreement: share of draws that read like the greedy answer (self-consistency).
        p_true: zero-shot P(True) of the greedy answer, the call of experiment pTrue.
        verbalized: the percentage stated when asked about the greedy answer, in the words of the arm percent/two of
            verbalizedConfidence, with the reply begun by "<confidence>"; none where no number can be read.
    The last three are probabilities and may be calibrated. The others only rank: no function of a likelihood or an
    entropy is the probability that an answer is right.

    Differs from the paper: five draws and not ten; the judged answer is greedy and not drawn at temperature 0.1;
    entailment by exact probabilities of Yes and No and not by DeBERTa or GPT-4; P(True) without examples.

    Attributes:
        draws: sampled answers per item (the paper: 10), at least 2.
        temperature: of the draws. Below 1 the entropies are not those of the model's own distribution.
        max_tokens: cap on an answer; it ends at a line break anyway.
        entailment: whether meanings are also found by entailment (at most draws * (draws - 1) questions an item).
        per_token: whether .../rao weighs a draw by its likelihood per token, as the authors' code does.
        verbalized: whether the model is asked to state its confidence.
        parenthesis: as in experiment pTrue.

    Raises:
        HarnessError: fewer than two draws, or draws without chance.
    """

    draws: int = 5
    temperature: float = answers.TEMPERATURE
    max_tokens: int = answers.MAX_TOKENS
    entailment: bool = True
    per_token: bool = True
    verbalized: bool = True
    parenthesis: bool = True

    parts: ClassVar = {"judge": Part(capabilities=frozenset({"choose"}))}
    outcome: ClassVar = UncertaintyOutcome
    metrics: ClassVar = (
        *metrics.each(("correct",), metrics.accuracy, by=(), where={"arm": "agreement"}),
        *metrics.each(RANK, metrics.auroc, metrics.aurc, metrics.excess_aurc, metrics.prr),
        *metrics.each(PAIR, metrics.overconfidence, metrics.ece_equal_width, where=PROBABILITY),
        *metrics.each(PAIR, metrics.ece_equal_count, metrics.brier, where=PROBABILITY),
        *metrics.means(readings="clusters", by=(), where={"arm": f"{READING}/discrete"}),
        *metrics.means(
            meanings="clusters",
            entailed_rate="entailed",
            entailment_mass="mass",
            by=(),
            where={"arm": f"{ENTAILMENT}/discrete"},
        ),
        *metrics.means(p_true_mass="mass", by=(), where={"arm": "p_true"}),
    )
    figures: ClassVar = (RiskCoverage("score", "correct", overlay=True), Reliability("p", "correct"))

    def __post_init__(self) -> None:
        if self.draws < 2 or self.temperature <= 0:
            raise HarnessError(
                f"experiment.draws={self.draws} at experiment.temperature={self.temperature}; give at least 2 draws "
                "and a temperature above 0"
            )

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> list[UncertaintyOutcome]:
        greedy, draws = await asyncio.gather(
            answers.greedy(item, subject, max_tokens=self.max_tokens),
            answers.sample(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens),
        )
        answer, texts = greedy.text.strip(), [draw.text.strip() for draw in draws]
        same = by_reading(item, [answer, *texts]).codes
        rows = [
            *self._likelihoods(greedy, draws),
            _score("lexical similarity", uncertainty.lexical_similarity(texts)),
            *self._entropies(READING, draws, by_reading(item, texts)),
            _probability("agreement", Probability(same[1:].count(same[0]) / len(texts))),
        ]
        asked = [self._p_true(item, subject, answer)]
        if self.verbalized:
            asked.append(self._verbalized(item, subject, answer))
        if self.entailment:
            asked.append(self._entailment(item, subject, draws))
        rows += [row for some in await asyncio.gather(*asked) for row in some]
        correct = item.grade(answer).correct
        return [replace(row, answer=answer, correct=correct) for row in rows]

    def _likelihoods(self, greedy: Text, draws: Sequence[Text]) -> list[UncertaintyOutcome]:
        rows = []
        for per_token, end in ((False, ""), (True, "/token")):
            sequence = uncertainty.log_likelihood(greedy, per_token=per_token)
            rows.append(_score(f"sequence probability{end}", sequence))
            mean_of_draws = uncertainty.mean_log_likelihood(draws, per_token=per_token)
            rows.append(_score(f"predictive entropy{end}", mean_of_draws))
        return rows

    def _entropies(self, arm: str, draws: Sequence[Text], found: Clusters) -> list[UncertaintyOutcome]:
        codes = found.codes
        counted = _score(f"{arm}/discrete", uncertainty.minus_entropy(codes))
        weighted = _score(f"{arm}/rao", uncertainty.minus_weighted_entropy(codes, draws, per_token=self.per_token))
        return [replace(row, clusters=found.count) for row in (counted, weighted)]

    async def _entailment(self, item: Item, subject: Subject, draws: Sequence[Text]) -> list[UncertaintyOutcome]:
        found = await by_entailment(item, subject.role("judge"), [draw.text.strip() for draw in draws])
        mass = None if found.mass is None else Probability(found.mass)
        entailed = Probability(found.entailed / found.questions) if found.questions else None
        return [replace(row, mass=mass, entailed=entailed) for row in self._entropies(ENTAILMENT, draws, found)]

    async def _p_true(self, item: Item, subject: Subject, answer: str) -> list[UncertaintyOutcome]:
        if not answer:
            return [_probability("p_true", None)]
        end, options = reading({"True": "A", "False": "B"}, parenthesis=self.parenthesis)
        prompt = Prompt.user(judgement(item.fields["question"], answer, None), lead(False) + end)
        choice = await subject.choose(prompt, options)
        return [replace(_probability("p_true", Probability(choice.p["True"])), mass=Probability(choice.mass))]

    async def _verbalized(self, item: Item, subject: Subject, answer: str) -> list[UncertaintyOutcome]:
        if not answer:
            return [_probability("verbalized", None)]
        asked = ask_confidence(item, STATED, answer, {})
        begun = Prompt(asked.messages, "<confidence>")
        reply = await subject.generate(begun, max_tokens=FORCED_TOKENS[STATED.scale], stop=["<", "\n"])
        return [_probability("verbalized", read_confidence(reply.text, STATED.scale, {}))]


def _score(arm: str, value: float) -> UncertaintyOutcome:
    return UncertaintyOutcome(arm=arm, kind="score", score=Score(value))


def _probability(arm: str, p: Probability | None) -> UncertaintyOutcome:
    return UncertaintyOutcome(arm=arm, kind="probability", score=None if p is None else Score(p), p=p)
