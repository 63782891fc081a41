"""Neurofeedback: can a model report and control its activation along an axis, beyond what a third party can tell?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, MinLen

from experiments.introspection.neurofeedback.arms import ARMS, DEFAULT, NEEDS, Way
from experiments.introspection.neurofeedback.axes import check_names
from experiments.introspection.neurofeedback.control import explicit, implicit, trials
from experiments.introspection.neurofeedback.fitting import Fit, Target, fit_targets, parted, read_sentences, usable
from experiments.introspection.neurofeedback.prompts import TEXTS, state_alone
from experiments.introspection.neurofeedback.reports import Tested, along, report
from experiments.introspection.neurofeedback.rows import FIGURES, GATES, METRICS, Trial, about
from experiments.introspection.neurofeedback.stimuli import is_positive
from harness import ArmedExperiment, Capability, HarnessError, Item, ItemError, Part, Subject, together


@dataclass(frozen=True, kw_only=True)
class Neurofeedback(ArmedExperiment[Way, Fit]):
    """Models report, and control, their activation along a direction that they know only from labelled examples.

    Li Ji-An et al. 2025, "Language Models Are Capable of Metacognitive Monitoring and Control of Their Internal
    Activations", arXiv 2505.13763.
    Item: "The teacher returned the lost wallet to its owner." Its label is 1 where the model's mean activation over the
    sentence, as its whole answer, lies on the upper side of an axis of a layer.

    Axes: logistic (good against bad, or true against false), principal components, random (of the variance of the
    logistic axis, and uncorrelated with it), and residual: the random axis less its prediction from the sentence's
    words. All are fitted on training sentences of other topics, and so are zero and unit of the scores.

    Reports: behind examples with their labels, other training sentences, the model says 0 or 1 of a test sentence, by
    exact probability. own labels: the model's. labels of another model (+model@roles.rival.model=...), bag-of-words
    labels, shuffled labels: the examples and the truth are theirs. Third parties answer the same rows: another model
    that is shown the own labels, a bag of words of the same examples, one of all fitted sentences, a reader who knows
    which sentences are good or true, one who knows their lengths, the more frequent label. What these can tell needs no
    look inside, so that the claim is that the model beats each of them, above all on the residual axis (privileged
    access). The ideal observer, a logistic regression on the activations of the same examples, is the ceiling.

    Control: the model is asked to be at score 1, or 0, while it reads a given sentence (implicit: same sentence, same
    tokens) or writes one (explicit). shift is the score under the request for 1 less that under the request for 0. In
    the flipped arms the examples show each label as the other one, which must turn the shift round; without examples
    (shots=0) there is none to learn from. Explicit control of the logistic axis is writing on topic; the residual axis
    leaves out what words do. A written sentence that repeats an example is told and has no score.

    Axes, and another model's labels, differ in how often label 1 is right. Claims between them are about the ranking
    (AUROC), which a model that only says the more frequent label does not have.

    Differs from the paper: it reads every label of one long conversation, where each sentence has another number of
    examples before it. Here every test sentence stands behind the first 0, 4, ... examples, so that these numbers are
    compared on the same sentences, and topics stay independent. The arm whole conversation has it as in the paper: an
    order of the examples for each item, all labels in one reading; its interval is over orders. The paper has no third
    party, no residual and no random axis. Labels on six levels are left out. The last layer is read before the final
    norm, not after it.

    Attributes:
        axes: "logistic", "random", "residual", and "PC k" for any k; those with more directions than the sentences vary
            in are left out.
        controlled: axes that are to be controlled. All axes are measured then.
        depths: layers, as shares of the model's depth.
        shots: numbers of examples; claims are about the largest.
        orders: orders of the examples; every topic has one of them.
        train: training sentences, of which the largest number of shots are shown and the others fitted.
        max_tokens, temperature: of sentences that the model writes.
    """

    arms: Sequence[str] = DEFAULT
    axes: Sequence[str] = ("logistic", "PC 1", "PC 8", "PC 32", "random", "residual")
    controlled: Sequence[str] = ("logistic", "random", "residual")
    depths: Annotated[Sequence[Annotated[float, Gt(0), Le(1)]], MinLen(1)] = (0.67,)
    shots: Sequence[Annotated[int, Ge(0)]] = (0, 4, 16)
    orders: Annotated[int, Ge(1)] = 2
    train: Annotated[int, Ge(4)] = 120
    max_tokens: Annotated[int, Ge(1)] = 30
    temperature: Annotated[float, Gt(0)] = 0.7

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    parts: ClassVar = {"rival": Part(capabilities=frozenset({"choose", "read"}))}
    papers: ClassVar = ("jian2025metacognitive",)
    outcome: ClassVar = Trial
    metrics: ClassVar = METRICS
    gates: ClassVar = GATES
    figures: ClassVar = FIGURES

    def __post_init__(self) -> None:
        super().__post_init__()
        check_names(self.axes, "experiment.axes")
        if strange := [name for name in self.controlled if name not in self.axes]:
            raise HarnessError(f"experiment.controlled: {strange[0]!r} is not among experiment.axes")
        if not any(self.shots) or len(set(self.shots)) < len(self.shots):
            raise HarnessError(f"experiment.shots={list(self.shots)}: give numbers of examples, each once, one above 0")

    @property
    def rivals(self) -> bool:
        """Whether an arm that runs needs another model."""
        return any("rival" in (way.by, way.labels) for way in self.chosen.values())

    def capabilities(self) -> frozenset[Capability]:
        needed: set[Capability] = {"read"}
        for way in self.chosen.values():
            needed |= NEEDS[way.task] if way.asked or way.by == "nobody" else set()
        return frozenset(needed)

    def needed_parts(self) -> Mapping[str, Part]:
        return self.parts if self.rivals else {}

    def train_items(self) -> int:
        return self.train

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fit:
        parts = parted(usable(self.wording, subject, train), max(self.shots))
        readers = [one for one in (subject, self.rival(subject)) if one is not None]
        own, *others = await together(read_sentences(self.wording, one, parts, self.depths) for one in readers)
        depths = {subject.layers_at([share])[0]: f"{share:.0%}" for share in sorted(self.depths)}
        fit = fit_targets(
            parts,
            own,
            others[0] if others else None,
            names=self.axes,
            depths=[*depths.values()],
            shots=self.shots,
            orders=self.orders,
            rng=subject.random("fit"),
        )
        if lost := set(self.axes) - {target.name for target in fit.targets}:
            subject.renderer.note(f"left out, as activations vary in fewer directions: {', '.join(sorted(lost))}")
        return fit

    async def begin(self, item: Item, subject: Subject, fitted: Fit) -> Tested:
        sentence, positive, rival = str(item.fields["question"]), is_positive(item), self.rival(subject)
        if sentence in fitted.shown:
            raise ItemError(f"{sentence[:60]!r} is among the examples, whose labels are shown")
        order = int(hashlib.sha256(item.cluster.encode()).hexdigest(), 16) % len(fitted.orders)
        states = asyncio.create_task(state_alone(self.wording, subject, sentence, fitted.layers))
        theirs = None
        if rival is not None:
            theirs = asyncio.create_task(state_alone(self.wording, rival, sentence, fitted.rival_layers))
        return Tested(sentence, positive, order, states, theirs)

    async def ask(self, arm: Way, common: Tested, item: Item, subject: Subject, fitted: Fit) -> list[Trial]:
        if "rival" in (arm.by, arm.labels) and common.rival is None:
            return []
        counts, most = sorted(self.shots), max(self.shots)
        if arm.task == "report":
            known = [one for one in fitted.targets if arm.labels != "rival" or one.rival is not None]
            asked = [(target, n) for target in known for n in counts if n or arm.asked]
            ask = partial(report, subject, arm, common, wording=self.wording, fit=fitted)
            return await together(ask(target=target, n=n, most=n == most) for target, n in asked)
        if arm.task == "conversation":
            told = partial(along, subject, common, wording=self.wording, fit=fitted, most=most)
            return [row for some in await together(told(target=one) for one in fitted.targets) for row in some]
        aimed = [(one, n) for one in fitted.targets if one.name in self.controlled for n in counts]
        rows = await together(self.control(arm, common, subject, fitted, target=target, n=n) for target, n in aimed)
        return [row for some in rows for row in some]

    async def control(
        self, arm: Way, tested: Tested, subject: Subject, fitted: Fit, *, target: Target, n: int
    ) -> list[Trial]:
        """The rows of one target, under the requests for 1 and for 0."""
        shown = fitted.examples(target, arm.labels, tested.order, n, flipped=arm.flipped)
        ask = partial(implicit, sentence=tested.sentence)
        if arm.task == "explicit":
            ask = partial(explicit, max_tokens=self.max_tokens, temperature=self.temperature)
        among = [one for one in fitted.targets if one.layer == target.layer]
        spoken = await ask(self.wording, subject, shown, among)
        row = Trial(**about(target, shots=n, most=n == max(self.shots), order=tested.order))
        return trials(target, among, spoken, row)

    def rival(self, subject: Subject) -> Subject | None:
        """Another model, where an arm needs one and one is named."""
        rival = subject.role("rival") if self.rivals else subject
        return None if rival.engine.identity == subject.engine.identity else rival
