"""Self-familiarity: a model that knows a concept finds the way back to it from its own explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.calibration.self_familiarity.familiarity import TEXTS, Concept
from experiments.calibration.self_familiarity.scores import aggregate, threshold
from harness import (
    Arm,
    ArmedExperiment,
    Bars,
    Capability,
    Item,
    ItemError,
    Outcome,
    Probability,
    RiskCoverage,
    Score,
    Subject,
    metrics,
    together,
)


@dataclass(frozen=True, kw_only=True)
class Method(Arm):
    """How a question gets its score.

    Attributes:
        signal: the score of a concept, see `Concept.score`; all but "backward" are baselines.
        over: the aggregate over the concepts of a question, see `aggregate`.
        explained: whether the score needs the subject's explanation.
    """

    signal: str
    over: str = "least"
    explained: bool = True


@dataclass(frozen=True, kw_only=True)
class Scored(Outcome):
    """The score of one question by one method. Positive are the questions all of whose concepts exist.

    Attributes:
        kind, domain: of the concepts, see the task; size: "one" concept or "several"; concepts: their names.
        real: whether all of them exist.
        score: a higher one is more familiar. Never a probability. None when it cannot be had.
        threshold: fitted on basic concepts; answers: whether the score lies above it; right: whether that is `real`.
        masked: mean share of the explanations' words that were hidden; dodged: whether any refuses to explain.
        mass: least probability that yes or no is said, of asking.
    """

    kind: str
    domain: str
    size: str
    concepts: str
    real: bool
    score: Score | None
    threshold: float | None
    answers: bool | None
    right: bool | None
    masked: float | None
    dodged: bool | None
    mass: Probability | None


Thresholds = Mapping[str, Mapping[str, float | None]]
"""By signal and aggregate; None where too few basic concepts have a score."""

PAIR = ("score", "real")
DECISION = ("answers", "real")


@dataclass(frozen=True, kw_only=True)
class SelfFamiliarity(ArmedExperiment[Method, Thresholds]):
    """A model knows which concepts it knows: it finds the way back from its own explanation to the concept's name.

    Luo et al. 2023, "Zero-Resource Hallucination Prevention for Large Language Models", arXiv 2309.02654.
    Item: 'Is there a mineral called "realgar"?' The model explains "realgar", and the name is hidden in the
    explanation. The score is how probable the name is as the concept that the explanation is related to. An invented
    name scores low, and a score under the threshold means: do not answer. The threshold is fitted on basic concepts
    without any label.

    minimum, first and weighted aggregate the score over a question's concepts; they are the same for one concept.
    Six baselines show what else might rank concepts: the name without its explanation (prior), the name after its
    domain alone (domain), the explanation's perplexity (forward), asking "Do you know what it is?" (asked), word
    frequencies (rarity), and how few tokens a letter the name takes (pieces).

    Differs from the paper: the score is exp of the mean log-probability per token of the best of four spellings right
    after a fixed lead, instead of the best of 30 beams that has a spelling anywhere; only whole words are masked; there
    are no misspelt copies; the task names the concepts. A question counts as known when its concepts exist, whereas the
    paper has a judge rate explanations: a real concept that the model does not know counts against it, so read the
    rates by kind. A score that fails is missing, never 0.

    Attributes:
        basic: training concepts behind the thresholds (the paper: 192); a 5th percentile takes at least 20.
        max_tokens: cap on the explanation (the paper: 200).
    """

    arms: Sequence[str] = ("minimum", "first", "weighted", "prior", "domain", "forward", "asked", "rarity", "pieces")
    basic: Annotated[int, Ge(20)] = 40
    max_tokens: Annotated[int, Ge(1)] = 32

    all_arms: ClassVar = {
        "minimum": Method(signal="backward"),
        "first": Method(signal="backward", over="first"),
        "weighted": Method(signal="backward", over="weighted"),
        "prior": Method(signal="prior"),
        "domain": Method(signal="domain"),
        "forward": Method(signal="forward"),
        "asked": Method(signal="asked", explained=False),
        "rarity": Method(signal="rarity", explained=False),
        "pieces": Method(signal="pieces"),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("luo2023zero",)
    outcome: ClassVar = Scored
    item_fields: ClassVar = ("concepts", "rarity", "kind", "domain")
    metrics: ClassVar = (
        *metrics.each(PAIR, metrics.auroc),
        *metrics.each(PAIR, metrics.auroc, suffix="_by_domain", by=("arm", "domain")),
        *metrics.each(PAIR, metrics.auroc, suffix="_by_size", by=("arm", "size")),
        *metrics.each(("right",), metrics.accuracy),
        *metrics.each(DECISION, metrics.f1, metrics.precision, metrics.recall),
        *metrics.rates(answer_rate_by_kind="answers", by=("arm", "kind")),
        *metrics.means("threshold"),
        *metrics.means(masked_share="masked", by=("kind",), where={"arm": "minimum"}),
        *metrics.rates(dodge_rate="dodged", by=("kind",), where={"arm": "minimum"}),
        *metrics.mean_probabilities(option_mass="mass", where={"arm": "asked"}),
    )
    figures: ClassVar = (RiskCoverage("score", "real"), Bars("answers", by="kind"))

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose", "score"})

    def train_items(self) -> int:
        return self.basic

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Thresholds:
        """The threshold of every arm, from the scores of basic concepts."""
        basic = [await self.begin(item, subject) for item in train]
        fitted: dict[str, dict[str, float | None]] = {}

        async def fit(arm: Method) -> None:
            scores = await together(score(arm, concepts) for concepts in basic)
            fitted.setdefault(arm.signal, {})[arm.over] = threshold([s for s in scores if s is not None])

        await together(fit(arm) for arm in self.chosen.values())
        return fitted

    async def begin(self, item: Item, subject: Subject, fitted: object = None) -> list[Concept]:
        """The item's concepts, the rarest first; nothing is asked yet."""
        if not item.fields["concepts"]:
            raise ItemError("the item's field 'concepts' is empty; give it at least one concept")
        named = zip(item.fields["concepts"], item.fields["rarity"], strict=True)
        domain, settings = str(item.fields["domain"]), (subject, self.text, self.max_tokens)
        concepts = [Concept(name, rarity, domain, *settings) for name, rarity in named]
        return sorted(concepts, key=lambda concept: concept.rarity)

    async def ask(self, arm: Method, common: list[Concept], item: Item, subject: Subject, fitted: Thresholds) -> Scored:
        found, limit, real = await score(arm, common), fitted[arm.signal][arm.over], item.fields["kind"] != "invented"
        answers = None if found is None or limit is None else found > limit
        explained = [await concept.explanation for concept in common] if arm.explained else []
        known = [await concept.known for concept in common] if arm.signal == "asked" else []
        dodges = [one.dodges for one in explained]
        return Scored(
            kind=item.fields["kind"],
            domain=item.fields["domain"],
            size="one" if len(common) == 1 else "several",
            concepts=", ".join(item.fields["concepts"]),
            real=real,
            score=None if found is None else Score(found),
            threshold=limit,
            answers=answers,
            right=None if answers is None else answers == real,
            masked=fmean(one.masked.share for one in explained) if explained else None,
            dodged=None if dodges.count(None) == len(dodges) else any(dodges),
            mass=Probability(min(choice.mass for choice in known)) if known else None,
        )


async def score(arm: Method, concepts: Sequence[Concept]) -> float | None:
    """The score of a question in one arm, from its concepts in order of rarity."""
    return aggregate(arm.over, await together(concept.score(arm.signal) for concept in concepts))
