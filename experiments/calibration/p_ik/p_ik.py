"""P(IK): does the model know, before it answers, whether it will know the answer? (card part D)"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import ClassVar

from experiments.calibration.p_ik.domain_probes import DomainProbes, fit_by_domain
from experiments.calibration.p_ik.forecasts import TEXTS, Forecast, Reading, read
from experiments.calibration.p_ik.probing import Forecasting, Way
from harness import Fate, Graded, Item, Metric, Reliability, RiskCoverage, Subject, metrics, option_mass
from harness.vectors.probes import NoProbe, Probe


@dataclass(frozen=True, kw_only=True)
class Trained(Way):
    """An arm: the way to P(IK), and the domains that a probe is trained on.

    Attributes:
        elsewhere: whether the probe is trained on all domains but the item's.
        alone: whether a probe is trained on each domain alone.
    """

    elsewhere: bool = False
    alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Answered(Forecast):
    """One sampled answer of one item in one arm, beside the P(IK) of its question.

    Attributes:
        probe_of: the one domain that the probe was trained on; None for other probes and for words.
        draw: index of the sampled answer; answer: as the grader read it.
        correct: whether the grader accepts it; fate: what became of it.
        share: share of right ones among the item's answers, in [0, 1].
        question_length: characters of the question.
    """

    probe_of: str | None
    draw: int
    answer: str
    correct: bool
    fate: Fate
    share: float
    question_length: int


Common = tuple[asyncio.Task[list[Graded]], asyncio.Task[Reading]]
PAIR, DOMAIN, OF = ("p", "correct"), ("arm", "domain"), ("arm", "probe_of")
LENGTH = ("question_length", "correct", "domain", "group")
WHOLE = {"alone": False}


@dataclass(frozen=True, kw_only=True)
class PIK(Forecasting[Trained, DomainProbes | None]):
    """Models can be trained to predict P(IK), whether they know an answer, from the question alone; ranking transfers
    to other tasks better than calibration.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, section 5.
    Item: "What is the capital of France?" The truth is the share of the model's sampled answers that are right.

    A probe is a logistic regression on the last token's residual stream before the answer, with k copies of (q, 1) and
    n - k of (q, 0) for k right answers of n. It is trained on all domains; on those other than the item's (elsewhere);
    or on one domain alone: the metrics `transfer_..._by_domain` of these are the transfer table. In words: "Do you know
    the answer?", p(Yes) over p(Yes) + p(No), with Yes as (A) or (swapped) as (B); and a confidence in steps of ten
    percent.

    Differs from the paper: a linear probe on a frozen model, not a head trained together with it; no questions that
    only another model can answer (its table 2). A P(IK) that follows the domain or the length of a question ranks
    questions, too: it is compared with lengths within domains (`auroc_same_kind`, `length_auroc`). Experiment
    pIKContexts shows what moves P(IK).
    """

    arms: Sequence[str] = ("probe", "probe elsewhere", "probe of one domain", "yes-no", "yes-no swapped", "percent")

    all_arms: ClassVar = {
        "probe": Trained(),
        "probe elsewhere": Trained(elsewhere=True),
        "probe of one domain": Trained(alone=True),
        "yes-no": Trained(asked="yes-no"),
        "yes-no swapped": Trained(asked="yes-no", swapped=True),
        "percent": Trained(asked="percent"),
    }
    texts: ClassVar = TEXTS
    papers: ClassVar = ("kadavath2022language",)
    outcome: ClassVar = Answered
    metrics: ClassVar = (
        *metrics.judged(where=WHOLE),
        *metrics.each((*PAIR, "domain"), metrics.auroc_same_kind, metrics.brier_skill_same_kind, where=WHOLE),
        *metrics.each(LENGTH, metrics.length_auroc, where=WHOLE),
        *metrics.each(("p", "share"), metrics.spearman, where=WHOLE),
        Metric("auroc_by_domain", metrics.auroc, PAIR, by=DOMAIN, where=WHOLE),
        Metric("ece_by_domain", metrics.ece_equal_count, PAIR, by=DOMAIN, where=WHOLE),
        *metrics.judged(fate=None, by=OF, prefix="transfer_"),
        *metrics.each(("p", "share"), metrics.spearman, by=OF, prefix="transfer_"),
        Metric("transfer_auroc_by_domain", metrics.auroc, PAIR, by=(*OF, "domain")),
        Metric("transfer_ece_by_domain", metrics.ece_equal_count, PAIR, by=(*OF, "domain")),
        *metrics.means("calls", "prompt_tokens"),
        *metrics.mean_probabilities(p_ik="p"),
        *metrics.mean_probabilities(transfer_p_ik="p", by=OF),
        *metrics.means(probe_layer="layer", where={"arm": "probe"}),
        *metrics.mean_probabilities(option_mass="mass", where=WHOLE),
    )
    gates: ClassVar = (option_mass(),)
    figures: ClassVar = (Reliability("p", "correct", where=WHOLE), RiskCoverage("p", "correct", where=WHOLE))

    def train_items(self) -> int:
        return self.train if self.probes else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> DomainProbes | None:
        examples, layers = await self.examples(train, subject)
        return fit_by_domain(examples, layers, self.folds) if examples else None

    async def begin(self, item: Item, subject: Subject, fitted: DomainProbes | None) -> Common:
        """The model's own answers, and the question as all probes read it; words do not wait for them."""
        judging = [probe for arm in self.chosen.values() for probe in self.trained(arm, item, fitted).values()]
        return asyncio.create_task(self.graded(item, subject)), asyncio.create_task(read(judging, item, subject))

    async def ask(
        self, arm: Trained, common: Common, item: Item, subject: Subject, fitted: DomainProbes | None
    ) -> list[Answered]:
        graded, found = await asyncio.gather(common[0], self.found(arm, common[1], item, subject, fitted))
        more = {"domain": self.domain_of(item), "share": fmean(one.correct for one in graded)}
        more["question_length"] = len(str(item.fields["question"]))
        return [
            Answered(
                **asdict(forecast) | more,
                probe_of=of or None,
                draw=draw,
                answer=one.text,
                correct=one.correct,
                fate=one.fate,
            )
            for of, forecast in found.items()
            for draw, one in enumerate(graded)
        ]

    async def found(
        self, arm: Trained, reading: asyncio.Task[Reading], item: Item, subject: Subject, fitted: DomainProbes | None
    ) -> dict[str, Forecast]:
        """P(IK) in an arm: in words, or of each of its probes."""
        if arm.asked != "probe":
            return {"": await self.said(arm, item, subject)}
        question = await reading
        return {of: question.forecast(probe) for of, probe in self.trained(arm, item, fitted).items()}

    def trained(self, arm: Trained, item: Item, fitted: DomainProbes | None) -> Mapping[str, Probe | NoProbe]:
        """The probes of an arm, by the one domain that they were trained on, or ""; none for words."""
        if fitted is None or arm.asked != "probe":
            return {}
        if arm.alone:
            return fitted.alone
        probe = fitted.without(self.domain_of(item)) if arm.elsewhere else fitted.everywhere
        return {} if probe is None else {"": probe}
