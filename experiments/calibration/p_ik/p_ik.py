"""P(IK): does the model know, before it answers, whether it will know the answer? (card part D)"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import ClassVar, Literal

from experiments.calibration.p_ik.domain_probes import Example, Probes, arms, fit_by_domain, judge
from experiments.calibration.p_ik.prompts import Context, Known, answering, context, percent, yes_no
from experiments.shared.answers import MAX_TOKENS, TEMPERATURE, sample
from harness import (
    Experiment,
    HarnessError,
    Item,
    Metric,
    Outcome,
    Probability,
    Reliability,
    RiskCoverage,
    Subject,
    metrics,
)
from harness.calls.calls import Capability
from harness.tasks.graders import gold_text
from harness.vectors.probes import NoProbe

Asked = Literal["yes-no", "percent"]


@dataclass(frozen=True, kw_only=True)
class PIKOutcome(Outcome):
    """One sampled answer of one item in one arm, beside the P(IK) of its question. In a context, one row an arm.

    Attributes:
        domain: what kind of question it is; context: what stands before it.
        draw: index of the sampled answer; None in a context, where no answers are sampled.
        correct: whether the grader accepts it; None when it holds no answer.
        share: of the item's answers that can be graded, the right ones; None when there are none.
        p_ik: P(IK), the same for all draws; None where there is no probe, for the `reason`.
        mass: on the options, before renormalising; None for a probe.
        layer: that the probe reads.
        calls, prompt_tokens: what P(IK) took; the sampled answers cost extra.
    """

    domain: str
    context: str
    draw: int | None = None
    answer: str | None = None
    correct: bool | None = None
    share: float | None = None
    p_ik: Probability | None
    mass: Probability | None = None
    layer: int | None = None
    calls: int
    prompt_tokens: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training items give.

    Attributes:
        known: they themselves, for contexts.
        probes: none where the engine cannot read or probe is False.
    """

    known: tuple[Known, ...]
    probes: Probes = field(default_factory=dict)


PAIR = ("p_ik", "correct")
PLAIN = {"context": "none"}
DOMAIN = ("arm", "domain")


@dataclass(frozen=True, kw_only=True)
class PIK(Experiment):
    """Models can be trained to predict P(IK), whether they know an answer, from the question alone; ranking transfers
    to other tasks better than calibration, and P(IK) moves with what the context tells.

    Kadavath et al. 2022, "Language Models (Mostly) Know What They Know", arXiv 2207.05221, section 5.
    Item: "What is the capital of France?" The truth is the share of the model's sampled answers that are right.

    Arms:
        probe: logistic regression on the last token's residual stream before the answer, with k copies of (q, 1) and
            n - k of (q, 0) for k right answers of n, trained on all domains. It needs an engine that can read
            activations.
        probe elsewhere: the same, trained on the domains other than the item's. probe of X: on domain X alone;
            `auroc_by_domain` and `ece_by_domain` of these are the transfer table.
        yes-no: "Do you know the answer?", p(Yes) over p(Yes) + p(No); Yes always is (A).
        percent: a confidence in steps of ten percent, the mean over the exact probabilities of the eleven steps.

    Contexts, made by rule from training items: see `ik_prompts.context`. The irrelevant hint is the control: a probe
    fitted on bare questions may move with any text before them. No answers are sampled in contexts: whether P(IK)
    should have moved so far is not measured. Reference answers enter prompts there and nowhere else.

    Differs from the paper: a linear probe on a frozen model, not a head trained together with it; the hints are
    answers, not worked solutions; no questions that only another model can answer (its table 2).

    Attributes:
        asked: arms in words. asked_in_context: those of them that are asked in contexts, too.
        probe: True needs an engine that can read; None leaves the probe out where it cannot; False always.
        contexts: what stands before the question.
        draws: sampled answers an item (the paper: 30, at temperature 1).
        train: training items (the paper: thousands), for probes and contexts.
        domain: item field that names the domain; items without it are of the domain "".
        depths: layers that the probe chooses from, as shares of the model's depth in (0, 1].
        folds: of the cross-validation, by groups, that chooses layer and penalty.
        spelled: percentages in words ("ninety"), one call; False is the paper's "90%", over 20 short calls.
        parenthesis: see `demonstrations.reading`.

    Raises:
        HarnessError: no arm, no draws, or fewer training items than folds or than contexts need.
    """

    asked: Sequence[Asked] = ("yes-no", "percent")
    asked_in_context: Sequence[Asked] = ("yes-no",)
    probe: bool | None = None
    contexts: Sequence[Context] = ("none", "source", "good", "bad", "irrelevant")
    draws: int = 5
    train: int = 150
    domain: str = "kind"
    depths: Sequence[float] = (0.5, 0.75, 1.0)
    folds: int = 5
    temperature: float = TEMPERATURE
    max_tokens: int = MAX_TOKENS
    spelled: bool = True
    parenthesis: bool = True

    outcome: ClassVar = PIKOutcome
    metrics: ClassVar = (
        *metrics.judged(PAIR, where=PLAIN),
        Metric("spearman", metrics.spearman, ("p_ik", "share"), where=PLAIN),
        Metric("auroc_by_domain", metrics.auroc, PAIR, by=DOMAIN, where=PLAIN),
        Metric("ece_by_domain", metrics.ece_equal_count, PAIR, by=DOMAIN, where=PLAIN),
        *metrics.means("p_ik", by=("arm", "context")),
        *metrics.means(yes_no_mass="mass", by=("context",), where={"arm": "yes-no"}),
        *metrics.means(percent_mass="mass", by=("context",), where={"arm": "percent"}),
        *metrics.means(probe_layer="layer", where=PLAIN | {"arm": "probe"}),
        *metrics.means("calls", "prompt_tokens", where=PLAIN),
    )
    figures: ClassVar = (Reliability("p_ik", "correct"), RiskCoverage("p_ik", "correct"))

    def __post_init__(self) -> None:
        if not (self.asked or self.probe) or "none" not in self.contexts or self.draws < 1:
            raise HarnessError(
                "experiment: asked must name an arm unless probe=true, contexts hold none, and draws be 1 or more"
            )
        if self.folds < 2 or self.train < (self.folds if self.probe is not False else 2 * (len(self.contexts) > 1)):
            raise HarnessError(
                f"experiment.train={self.train}: the probe needs at least experiment.folds={self.folds} training items "
                "(2 folds or more), and contexts need 2"
            )

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"generate", "choose", "read"} if self.probe else {"generate", "choose"})

    def train_items(self) -> int:
        return self.train if self.probe is not False or len(self.contexts) > 1 else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fitted:
        """The training items for contexts, and the probes where the engine can read."""
        known = tuple(Known(str(item.fields["question"]), gold_text(item), self._domain(item)) for item in train)
        if self.probe is False or "read" not in subject.engine.can:
            return Fitted(known)
        layers = subject.layers_at(self.depths)
        examples = await asyncio.gather(*(self._example(item, layers, subject) for item in train))
        return Fitted(known, fit_by_domain(examples, layers, self.folds))

    async def _example(self, item: Item, layers: Sequence[int], subject: Subject) -> Example:
        grades, states = await asyncio.gather(
            self._grades(item, subject), subject.read(answering(item, ""), layers=layers, positions=[-1])
        )
        right, wrong = (sum(correct is kind for _, correct in grades) for kind in (True, False))
        return Example(states, right, wrong, self._domain(item), item.cluster)

    async def protocol(self, item: Item, subject: Subject, fitted: Fitted) -> list[PIKOutcome]:
        domain = self._domain(item)
        before = {kind: context(kind, item, domain, fitted.known, subject.random(kind)) for kind in self.contexts}
        grades, said = await asyncio.gather(
            self._grades(item, subject),
            asyncio.gather(*(self._ask(item, kind, text, subject, fitted) for kind, text in before.items())),
        )
        graded = [correct for _, correct in grades if correct is not None]
        share = fmean(graded) if graded else None
        rows: list[PIKOutcome] = []
        for kind, asked in zip(before, said, strict=True):
            if kind != "none":
                rows += asked
                continue
            for draw, (answer, correct) in enumerate(grades):
                rows += [replace(one, draw=draw, answer=answer, correct=correct, share=share) for one in asked]
        return rows

    async def _grades(self, item: Item, subject: Subject) -> list[tuple[str, bool | None]]:
        """The model's own answers at temperature 1, and whether each is right."""
        texts = await sample(item, subject, self.draws, temperature=self.temperature, max_tokens=self.max_tokens)
        answers = [text.text.strip() for text in texts]
        return [(answer, item.grade(answer).correct) for answer in answers]

    async def _ask(self, item: Item, kind: Context, before: str, subject: Subject, fitted: Fitted) -> list[PIKOutcome]:
        """P(IK) in every arm that this context has, without answers."""
        forms = [arm for arm in self.asked if kind == "none" or arm in self.asked_in_context]
        asked, probed = await asyncio.gather(
            asyncio.gather(*(self._asked(arm, item, kind, before, subject) for arm in forms)),
            self._probed(item, kind, before, subject, fitted),
        )
        return [*asked, *probed]

    async def _asked(self, arm: Asked, item: Item, kind: Context, before: str, subject: Subject) -> PIKOutcome:
        if arm == "yes-no":
            prompt, options = yes_no(item, before, parenthesis=self.parenthesis)
            values: Mapping[str, float] = {"yes": 1.0, "no": 0.0}
        else:
            prompt, options, values = percent(item, before, spelled=self.spelled)
        choice = await subject.choose(prompt, options)
        return PIKOutcome(
            arm=arm,
            domain=self._domain(item),
            context=kind,
            p_ik=Probability(min(1.0, sum(choice.p[option] * value for option, value in values.items()))),
            mass=Probability(choice.mass),
            calls=choice.calls,
            prompt_tokens=subject.prompt_tokens(prompt),
        )

    async def _probed(
        self, item: Item, kind: Context, before: str, subject: Subject, fitted: Fitted
    ) -> list[PIKOutcome]:
        domain, prompt = self._domain(item), answering(item, before)
        probes = arms(fitted.probes, domain, transfer=kind == "none")
        p_ik = await judge(probes, prompt, subject)
        tokens = subject.prompt_tokens(prompt)
        rows = []
        for arm, probe in probes.items():
            row = PIKOutcome(arm=arm, domain=domain, context=kind, p_ik=None, calls=0, prompt_tokens=0)
            if isinstance(probe, NoProbe):
                rows.append(replace(row, reason=probe.reason))
            else:
                p = Probability(p_ik[arm])
                rows.append(replace(row, p_ik=p, layer=probe.layer, calls=1, prompt_tokens=tokens))
        return rows

    def _domain(self, item: Item) -> str:
        return str(item.fields.get(self.domain, ""))
