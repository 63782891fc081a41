"""Self-familiarity: a model that knows a concept finds the way back to it from its own explanation."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import ClassVar

from experiments.calibration.self_familiarity.masks import MASK, mask, spellings
from harness import (
    Bars,
    Experiment,
    HarnessError,
    Item,
    Outcome,
    Probability,
    Prompt,
    RiskCoverage,
    Score,
    Subject,
    metrics,
)
from harness.calls.calls import Capability
from harness.errors import ItemError
from harness.tasks.refusals import refuses

LEAD = "It is related to"
"""How the answer to the backward question begins; the concept is scored as what comes next."""


@dataclass(frozen=True, slots=True)
class Familiarity:
    """What was found out about one concept.

    Attributes:
        backward: exp of the mean log-probability per token of the name after its masked explanation, of the best
            spelling; None when the mask left no words.
        forward: the same of the explanation's tokens; None for an empty one.
        prior: as `backward`, of the same spelling, after a prompt whose explanation is hidden whole.
        pieces: minus the tokens that the name takes per letter; prior and pieces are None when backward is.
        p_yes: p("Yes") when asked whether it knows the concept; mass: that "Yes" or "No" is said.
        masked: share of the explanation's words that were hidden; dodged: whether it refuses to explain.
    """

    rarity: float
    backward: float | None
    forward: float | None
    prior: float | None
    pieces: float | None
    p_yes: float
    mass: float
    masked: float
    dodged: bool | None


@dataclass(frozen=True, kw_only=True)
class SelfFamiliarityOutcome(Outcome):
    """The score of one question under one method (the arm). Positive are the questions all of whose concepts exist.

    Attributes:
        kind, domain: of the concepts, see the task; size: "one" concept or "several"; concepts: their names.
        real: whether all of them exist.
        score: the method's; higher is more familiar. Never a probability. None when it cannot be had.
        threshold: fitted on basic concepts; answers: whether the score lies above it; right: whether that is `real`.
        masked, dodged: of the explanations, their mean, and whether any dodges; mass: on "Yes" and "No", the least.
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
    masked: float
    dodged: bool | None
    mass: Probability


PAIR = ("score", "real")
DECISION = ("answers", "real")
ONE = {"arm": "minimum"}
Thresholds = Mapping[str, float | None]
"""By arm; None where too few basic concepts have a score."""


@dataclass(frozen=True, kw_only=True)
class SelfFamiliarity(Experiment):
    """Claim: before it answers, a model can tell which concepts of a question it knows, without labels or sources.

    Luo, Xiao and Ma 2023 (SELF-FAMILIARITY, arXiv 2309.02654), sections 3 and 4. The model explains a concept, the
    concept's name is hidden in the explanation, and the score is how probable the name is as the answer to
    '"..." is related to what?'. A question is answered when its score lies above a threshold from basic concepts.
    Item: 'Is there a mineral called "skeisbulite"?' There is none; a score above the threshold would be a mistake.

    Arms, one row a question each:
        minimum, first (the rarest concept's), weighted (1, 1/2, 1/4, ... in order of rarity): the aggregates of the
            score; with one concept they are the same.
        prior: the score with an explanation of nothing but the mask, what the name alone is worth. A model that does
            not read its explanations ranks as well by this.
        forward: exp of the mean log-probability of the explanation's tokens (1/perplexity).
        asked: p("Yes") to "Do you know what it is?".
        rarity: the frequency of the name's words, which the task gives.
        pieces: how few tokens per letter the name takes, what the tokenizer alone remembers of it.
    From prior on they are baselines, which take the least of several concepts.

    The threshold of each arm is fitted on basic concepts in `prepare`: the middle of the 95 % bootstrap interval of
    the 5th percentile of their scores. No label enters.

    Differs from the paper: the score is exp of the mean log-probability per token of the name as the words right after
    a fixed lead ("It is related to"), of the best of four spellings. The paper's is that of the best sequence which a
    beam search of 30 beams finds with one of eight spellings anywhere in it, of 10 or 15 tokens more, so that the words
    around the name count too. Neither is a probability that the concept is known. Masks cover whole words only, and
    no misspelt copies of the name. Concepts are the task's, not an NER model's. A question counts as known when its
    concepts exist; the paper has a judge rate the model's explanations of real ones, so that here a real concept that
    the model does not know counts against it: read the rates by kind. What fails is missing, never 0.

    Attributes:
        basic: training concepts behind the threshold (the paper: 192), at least 20.
        max_tokens: cap on the explanation (the paper: 200).

    Raises:
        HarnessError: fewer than 20 basic concepts.
    """

    basic: int = 40
    max_tokens: int = 32

    outcome: ClassVar = SelfFamiliarityOutcome
    item_fields: ClassVar = ("concepts", "rarity", "kind", "domain")
    metrics: ClassVar = (
        *metrics.each(PAIR, metrics.auroc),
        *metrics.each(PAIR, metrics.auroc, suffix="_by_domain", by=("arm", "domain")),
        *metrics.each(PAIR, metrics.auroc, suffix="_by_size", by=("arm", "size")),
        *metrics.each(("right",), metrics.accuracy),
        *metrics.each(DECISION, metrics.f1, metrics.precision, metrics.recall),
        *metrics.rates(answer_rate_by_kind="answers", by=("arm", "kind")),
        *metrics.means("threshold"),
        *metrics.means(masked_share="masked", by=("kind",), where=ONE),
        *metrics.rates(dodge_rate="dodged", by=("kind",), where=ONE),
        *metrics.means(option_mass="mass", where={"arm": "asked"}),
    )
    figures: ClassVar = (RiskCoverage("score", "real"), Bars("answers", by="kind"))

    def __post_init__(self) -> None:
        if self.basic < 20 or self.max_tokens < 1:
            raise HarnessError("experiment.basic must be at least 20, for a 5th percentile, and max_tokens at least 1")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose", "score"})

    def train_items(self) -> int:
        return self.basic

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Thresholds:
        """The threshold of every arm, from the scores of basic concepts."""
        found = await asyncio.gather(*(self._familiarities(item, subject) for item in train))
        scores = [aggregates(concepts) for concepts in found]
        return {arm: threshold([s for one in scores if (s := one[arm]) is not None]) for arm in scores[0]}

    async def protocol(self, item: Item, subject: Subject, fitted: Thresholds) -> list[SelfFamiliarityOutcome]:
        concepts = await self._familiarities(item, subject)
        real = item.fields["kind"] != "invented"
        rows = []
        for arm, score in aggregates(concepts).items():
            h = fitted[arm]
            answers = None if score is None or h is None else score > h
            row = SelfFamiliarityOutcome(
                arm=arm,
                kind=item.fields["kind"],
                domain=item.fields["domain"],
                size="one" if len(concepts) == 1 else "several",
                concepts=", ".join(item.fields["concepts"]),
                real=real,
                score=None if score is None else Score(score),
                threshold=h,
                answers=answers,
                right=None if answers is None else answers == real,
                masked=fmean(c.masked for c in concepts),
                dodged=None if all(c.dodged is None for c in concepts) else any(c.dodged for c in concepts),
                mass=Probability(min(c.mass for c in concepts)),
            )
            rows.append(row)
        return rows

    async def _familiarities(self, item: Item, subject: Subject) -> list[Familiarity]:
        """Of all concepts of an item, the rarest first.

        Raises:
            ItemError: it has none.
        """
        if not item.fields["concepts"]:
            raise ItemError("the item's field 'concepts' is empty; give it at least one concept")
        names = zip(item.fields["concepts"], item.fields["rarity"], strict=True)
        found = await asyncio.gather(*(self._familiarity(name, rarity, subject) for name, rarity in names))
        return sorted(found, key=lambda concept: concept.rarity)

    async def _familiarity(self, concept: str, rarity: float, subject: Subject) -> Familiarity:
        explain = Prompt.user(f'Explain the "{concept}" within one short paragraph.')
        know = Prompt.user(f'Do you know what "{concept}" is? Say Yes or No.', "Answer:")
        text, choice = await asyncio.gather(
            subject.generate(explain, max_tokens=self.max_tokens),
            subject.choose(know, {"yes": [" Yes"], "no": [" No"]}),
        )
        masked = mask(text.text, concept)
        backward, prior, pieces = None, None, None
        if masked.share < 1:
            names = spellings(concept)
            scored = await asyncio.gather(*(_score(masked.text.strip(), name, subject) for name in names))
            backward, best = max(zip((score for score, _ in scored), names, strict=True), key=lambda pair: pair[0])
            prior, _ = await _score(MASK, best, subject)
            pieces = -scored[0][1] / len(concept)
        return Familiarity(
            rarity=rarity,
            backward=backward,
            forward=math.exp(fmean(text.logprobs)) if text.logprobs else None,
            prior=prior,
            pieces=pieces,
            p_yes=choice.p["yes"],
            mass=choice.mass,
            masked=masked.share,
            dodged=refuses(text.text),
        )


async def _score(explanation: str, name: str, subject: Subject) -> tuple[float, int]:
    """Exp of the mean log-probability of a name's tokens as what the explanation is related to, and their number."""
    found = await subject.score(Prompt.user(f'"{explanation}" is related to what?', LEAD), f" {name}")
    return math.exp(found.logprob / len(found.tokens)), len(found.tokens)


def aggregates(concepts: Sequence[Familiarity]) -> dict[str, float | None]:
    """The score of a question under every method, from its concepts in order of rarity (rarest first).

    None where a concept that the method looks at has none.
    """
    backward = [c.backward for c in concepts]
    return {
        "minimum": _least(backward),
        "first": backward[0],
        "weighted": _weighted(backward),
        "prior": _least([c.prior for c in concepts]),
        "forward": _least([c.forward for c in concepts]),
        "asked": _least([c.p_yes for c in concepts]),
        "rarity": _least([c.rarity for c in concepts]),
        "pieces": _least([c.pieces for c in concepts]),
    }


def threshold(scores: Sequence[float]) -> float | None:
    """The middle of the 95 % bootstrap interval of the 5th percentile; None for fewer than 20 scores.

    The percentile is the k-th smallest of n scores, k = 0.05 n rounded up. That of a resample is at most the j-th
    smallest score when k or more of n draws fall there, X >= k with X binomial (n, j/n): the interval is that of
    infinitely many resamples, and needs no random numbers.
    """
    n, ranked = len(scores), sorted(scores)
    if n < 20:
        return None
    k = math.ceil(0.05 * n)

    def below(j: int) -> float:
        return 1 - math.fsum(math.comb(n, i) * (j / n) ** i * (1 - j / n) ** (n - i) for i in range(k))

    low, high = (next(ranked[j - 1] for j in range(1, n + 1) if below(j) >= share) for share in (0.025, 0.975))
    return (low + high) / 2


def _least(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return min(known) if len(known) == len(values) else None


def _weighted(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    if len(known) < len(values):
        return None
    weights = [0.5**i for i in range(len(known))]
    return math.fsum(w * v for w, v in zip(weights, known, strict=True)) / math.fsum(weights)
