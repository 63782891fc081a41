"""Semantic entropy and its baselines: which number from the same draws tells right answers from wrong ones?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.calibration.semantic_entropy import clustering, uncertainty
from experiments.calibration.semantic_entropy.clustering import by_entailment, by_reading
from experiments.calibration.semantic_entropy.entailment_check import LEAST, check
from experiments.calibration.semantic_entropy.methods import ENTAILMENT, METHODS, READING, Method
from experiments.calibration.semantic_entropy.rows import Certainty, Sampled
from experiments.shared import answers, demonstrations, stated_confidence
from experiments.shared.demonstrations import judgement
from experiments.shared.log_likelihood import log_likelihood
from experiments.shared.stated_confidence import CONFIDENCE_TOKENS, Scaled, begun
from experiments.shared.surface import beyond_surface, surface
from harness import (
    ArmedExperiment,
    Gate,
    HarnessError,
    Item,
    Part,
    Probability,
    Reliability,
    RiskCoverage,
    Score,
    Subject,
    graded,
    metrics,
    option_mass,
)

RANK, PAIR = ("score", "correct"), ("p", "correct")
PROBABILITY, JUDGED = {"kind": "probability"}, {"meanings": "entailment"}


@dataclass(frozen=True, kw_only=True)
class SemanticEntropy(ArmedExperiment[Method, Probability | None]):
    """Claim: entropy over the meanings of sampled answers tells wrong answers better than entropy over their words.

    Farquhar et al. 2024, "Detecting hallucinations in large language models using semantic entropy", Nature 630;
    Kuhn et al. 2023, "Semantic Uncertainty", arXiv 2302.09664.
    Item: "What is the capital of France?" Draws "Paris", "It is Paris.", "Lyon" have two meanings, of shares 2/3 and
    1/3: the entropy is 0.64. The answer that is judged right or wrong is the greedy one.

    Arms are methods, on the same draws. likelihood: log p of the greedy answer. word entropy: mean log p of the draws
    (per token the "naive entropy"). similarity: mean ROUGE-L between draws. entropy: minus the entropy over meanings.
    agreement: share of draws that read like the greedy answer (self-consistency). p_true: zero-shot P(True), the call
    of experiment pTrue. stated: the percentage stated about the greedy answer, in the words of arm "percent two" of
    verbalizedConfidence, with the reply begun by "<confidence>"; none where no number can be read.

    Differs from the paper: five draws and not ten; the judged answer is greedy and not drawn at temperature 0.1;
    entailment by exact probabilities of Yes and No (+model@roles.judge.model=..., else the subject's own) and not by
    DeBERTa or GPT-4; P(True) without examples; no regression on embeddings. "released" weighs meanings as the
    authors' code does, by length-normalised likelihoods of all draws, a text as often as it was drawn. "rao" is the
    formula of the paper, in which each distinct text counts once. Likelihoods of a model that thinks are of answers
    given their thoughts, and leave out what the thoughts decided: there compare the discrete entropies.

    The judge is first asked about clear cases of entailment (`entailment_check`, the share that it decides right).
    Where that is below 0.8, verdicts that rest on it are held back.

    Attributes:
        draws: sampled answers per item (the paper: 10), at least 2; entailment asks at most draws * (draws - 1)
            questions about them.
        temperature: temperature of the draws. Below 1 the entropies do not describe the model's own distribution.
        max_tokens: cap on an answer; None takes the room that the task gives.

    Raises:
        HarnessError: fewer than two draws, or draws without chance.
    """

    arms: Sequence[str] = tuple(METHODS)
    draws: int = 5
    temperature: Annotated[float, Ge(0)] = answers.TEMPERATURE
    max_tokens: Annotated[int, Ge(1)] | None = None

    all_arms: ClassVar = METHODS
    texts: ClassVar = {
        **clustering.TEXTS,
        **{name: demonstrations.TEXTS[name] for name in ("judgement", "judgement_lead")},
        **{name: stated_confidence.TEXTS[name] for name in ("confidence", "confidence_form", "percent")},
    }
    parts: ClassVar = {"judge": Part(capabilities=frozenset({"choose"}))}
    papers: ClassVar = ("farquhar2024detecting", "kuhn2023semantic")
    outcome: ClassVar = Certainty
    metrics: ClassVar = (
        *metrics.graded(by=(), where={"arm": "agreement"}),
        *metrics.each(RANK, metrics.auroc, metrics.aurc, metrics.excess_aurc, metrics.prr),
        *beyond_surface(RANK),
        *metrics.each(PAIR, metrics.overconfidence, metrics.ece_equal_width, where=PROBABILITY),
        *metrics.each(PAIR, metrics.ece_equal_count, metrics.brier, where=PROBABILITY),
        *metrics.means(readings="clusters", by=(), where={"arm": READING}),
        *metrics.means(meanings="clusters", by=(), where={"arm": ENTAILMENT}),
        *metrics.mean_probabilities(entailed_rate="entailed", by=(), where={"arm": ENTAILMENT}),
        *metrics.mean_probabilities(entailment_check="checked", entailment_mass="mass", where=JUDGED),
        *metrics.mean_probabilities(p_true_mass="mass", where={"arm": "p_true"}),
    )
    gates: ClassVar = (
        Gate(metric="entailment_check", least=LEAST, columns=("score",), why="the judge errs about clear cases"),
        option_mass("score", metric="entailment_mass"),
        option_mass("score", "p", metric="p_true_mass"),
    )
    figures: ClassVar = (RiskCoverage("score", "correct", overlay=True), Reliability("p", "correct", where=PROBABILITY))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.draws < 2 or self.temperature <= 0:
            raise HarnessError(
                f"experiment.draws={self.draws} at experiment.temperature={self.temperature}; give at least 2 draws "
                "and a temperature above 0"
            )

    @property
    def entails(self) -> bool:
        """Whether an arm asks the judge for entailment."""
        return any(method.meanings == "entailment" for method in self.chosen.values())

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Probability | None:
        """How many clear cases of entailment the judge decides right, where an arm asks it for any."""
        return await check(self.wording, subject.role("judge")) if self.entails else None

    async def begin(self, item: Item, subject: Subject, fitted: Probability | None) -> Sampled:
        greedy, draws = await asyncio.gather(
            answers.greedy(item, subject, max_tokens=self.max_tokens),
            answers.sample(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens),
        )
        sampled = Sampled(greedy=greedy, draws=draws, entailment=None)
        if not self.entails:
            return sampled
        # A task: the arms that need the meanings ask for them once, and no other arm waits for them or fails with them.
        meanings = by_entailment(self.wording, item, subject.role("judge"), sampled.texts)
        return replace(sampled, entailment=asyncio.create_task(meanings))

    async def ask(
        self, arm: Method, common: Sampled, item: Item, subject: Subject, fitted: Probability | None
    ) -> Certainty:
        answer, draws = common.answer, common.draws
        grade = graded(item, common.greedy)
        row = Certainty(answer=answer, correct=grade.correct, fate=grade.fate, **surface(item, answer))
        value: float | None
        match arm.quantity:
            case "likelihood":
                value = log_likelihood(common.greedy, per_token=arm.per_token)
            case "word entropy":
                value = uncertainty.mean_log_likelihood(draws, per_token=arm.per_token)
            case "similarity":
                value = uncertainty.lexical_similarity(common.texts)
            case "agreement":
                first, *others = by_reading(item, [answer, *common.texts]).codes
                value = others.count(first) / len(others)
            case "entropy":
                asked = common.entailment if arm.meanings == "entailment" else None
                found = await asked if asked else by_reading(item, common.texts)
                row = replace(row, clusters=found.count, mass=found.mass, entailed=found.entailed)
                row = replace(row, checked=fitted) if asked else row
                value = uncertainty.minus_entropy(found.codes)
                if arm.weights != "discrete":
                    repeats = arm.weights == "released"
                    value = uncertainty.minus_weighted_entropy(
                        found.codes, draws, per_token=arm.per_token, repeats=repeats
                    )
            case "p_true" if answer:
                value, mass = await judgement(self.wording, item.fields["question"], answer).p_true(subject)
                row = replace(row, mass=mass)
            case "stated" if answer:
                value = await self.stated(answer, item, subject)
            case _:
                value = None
        p = value if arm.kind == "probability" else None
        return replace(row, score=None if value is None else Score(value), p=None if p is None else Probability(p))

    async def stated(self, answer: str, item: Item, subject: Subject) -> Probability | None:
        """The percentage that the model states about its answer; None where none can be read."""
        shown = stated_confidence.example(subject, "percent", {})
        scaled = Scaled(wording=self.wording, scale="percent", phrases={}, example=shown)
        asked = scaled.ask(item, answer)
        said, _ = await begun(subject, asked, "", "confidence", max_tokens=CONFIDENCE_TOKENS)
        return None if said is None else scaled.read(said)
