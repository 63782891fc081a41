"""P(IK) in context: does it change with the text before the question? (section 5.3)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, get_args

from experiments.calibration.p_ik import forecasts
from experiments.calibration.p_ik.domain_probes import fit
from experiments.calibration.p_ik.forecasts import Asked, Forecast, read
from experiments.calibration.p_ik.probing import Forecasting, Way
from experiments.calibration.p_ik_contexts.contexts import TEXTS, Context, Known, context
from harness import Curve, Item, Subject, metrics, option_mass
from harness.tasks.graders import gold_text
from harness.vectors.probes import NoProbe, Probe


@dataclass(frozen=True, kw_only=True)
class Shown(Way):
    """An arm: the way to P(IK), and the text before the question.

    Attributes:
        context: "none", notes with the answer (source) or with the question alone (source without answer), a good, a
            bad or an irrelevant hint.
    """

    context: Context = "none"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fit on training items: contexts and a probe; None if no probe is asked or possible."""

    known: tuple[Known, ...]
    probe: Probe | NoProbe | None


ARMS: Mapping[str, Shown] = {
    asked if kind == "none" else f"{asked} {kind}": Shown(asked=asked, context=kind)
    for asked in get_args(Asked)
    for kind in get_args(Context)
}
BY = ("asked", "context")


@dataclass(frozen=True, kw_only=True)
class PIKContexts(Forecasting[Shown, Fitted]):
    """P(IK) moves with the content of the context: it rises with a source that holds the answer, and with a good hint
    more than with a bad one.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, section 5.3.
    Item: "What is the capital of France?" after nothing; after notes with the answer and two others (source), or with
    the question and "(not noted)" among them (source without answer); after 'Hint: the answer to "What is the capital
    of France?" is Paris.' (good), the same with a wrong answer (bad), or the answer to another question (irrelevant).

    P(IK) is found as in experiment pIK, by a probe of bare questions or in words. The source without answer
    and the irrelevant hint are controls: a probe fitted on bare questions may move with any text before them. Answers
    are sampled only to train the probe, the same as in pIK, so we cannot say how far P(IK) should have moved. Reference
    answers enter these prompts on purpose.

    Differs from the paper: the hints are answers, not worked solutions; see also pIK.
    """

    arms: Sequence[str] = tuple(name for name, arm in ARMS.items() if arm.asked != "percent")

    all_arms: ClassVar = ARMS
    texts: ClassVar = {**forecasts.TEXTS, **TEXTS}
    papers: ClassVar = ("kadavath2022language",)
    outcome: ClassVar = Forecast
    metrics: ClassVar = (
        *metrics.mean_probabilities(p_ik="p", by=BY),
        *metrics.mean_probabilities(option_mass="mass", by=BY),
        *metrics.means(probe_layer="layer", by=(), where={"asked": "probe"}),
        *metrics.means("calls", "prompt_tokens", by=BY),
    )
    gates: ClassVar = (option_mass(),)
    figures: ClassVar = (Curve("p_ik", x="context"),)

    def train_items(self) -> int:
        return self.train

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fitted:
        """The training items for contexts, and the probe where the engine can read."""
        known = tuple(Known(str(item.fields["question"]), gold_text(item), self.domain_of(item)) for item in train)
        examples, layers = await self.examples(train, subject)
        return Fitted(known, fit(examples, layers, self.folds) if examples else None)

    async def ask(self, arm: Shown, common: None, item: Item, subject: Subject, fitted: Fitted) -> list[Forecast]:
        # Both sources have the same notes at the same places, but for the answer.
        domain, rng = self.domain_of(item), subject.random("source" if "source" in arm.context else arm.context)
        before = context(arm.context, item, domain, fitted.known, rng=rng, wording=self.wording)
        if arm.asked != "probe":
            return [replace(await self.said(arm, item, subject, before), domain=domain)]
        if fitted.probe is None:
            return []
        reading = await read([fitted.probe], item, subject, before)
        return [replace(reading.forecast(fitted.probe), domain=domain)]
