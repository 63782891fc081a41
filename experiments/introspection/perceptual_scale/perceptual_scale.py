"""Perceptual scale: do a model's judgements of magnitudes follow a scale, and do its own states predict it?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from experiments.introspection.perceptual_scale.fisher import Predicted, no_path
from experiments.introspection.perceptual_scale.magnitudes import DOMAINS
from experiments.introspection.perceptual_scale.rows import ARMS, METRICS, TEXTS, Judged, Question, judged
from experiments.introspection.perceptual_scale.states import paths, predicted
from harness import (
    ArmedExperiment,
    Capability,
    Curve,
    Item,
    Message,
    Subject,
    letter,
    option_mass,
    together,
)

Fit = Mapping[str, Predicted]
Share = Annotated[float, Gt(0), Le(1)]


@dataclass(frozen=True, kw_only=True)
class PerceptualScale(ArmedExperiment[Question, Fit]):
    """Judgements of which two magnitudes are further apart follow a scale, and the Fisher information of the model's
    own states predicts it.

    An analogue, for language models, of Vacher and Mamassian 2024, "Perceptual Scales Predicted by Fisher Information
    Metrics", arXiv 2310.11759, where people judge textures. It is a scale of judgements: nothing here is perceived.
    Item: the numbers 10, 90 and 250: "Which two feel further apart? (A) 10 and 90 (B) 90 and 250".

    The probability of each letter is exact, with the pairs in both orders. Maximum likelihood difference scaling
    (Maloney and Yang 2003) gives the scale, with an intercept for each order, which takes a preference for a letter.
    There is a scale only if the judgements fit one better than chance does (`likelihood_ratio`, 99 % point); flat
    judgements have no scale, and none is printed. Its form is compared with linear, logarithmic and power scales, the
    place in the list, the length of the text, the logarithmic distance from the present (of years), and the path of the
    model's own states.

    apart: the question above. alike: which two feel more alike; a preference for large numbers works against the scale
    here. arithmetic: which difference is larger; a model that subtracts has a linear scale. shuffled labels: the
    answers to the first question, the names of the pairs swapped at random.

    The states are read at the last token of a magnitude in sentences that tell nothing of its size. Their path is that
    of a smooth curve, cross-validated over magnitudes: two numbers are different words, and from one to the next is
    about as far whatever the numbers, so that the plain length would count the numbers that were read. The layer is the
    one that predicts training comparisons of `apart` best; its scale is tested on others. Comparisons are drawn for the
    intervals, and not magnitudes: another choice of magnitudes may have another scale. Six-point conditions, which say
    whether judgements can come from any scale, need quadruples (`task.shape=both`).

    Differs from the paper: judgements are a model's, stimuli are words, and Fisher information is that of the model's
    states and not of the stimuli. Left out: a second fit that is forced to rise, and the prediction from how often a
    model says each number.

    Attributes:
        depths: layers whose states are read, as shares of the model's depth; none reads no states.
        train: comparisons on which the layer is chosen, of all domains together.
        carriers: sentences in which each magnitude is read, up to 20.
        between: numbers read between neighbouring ones, so that the curve of the states rests on many.
        present: the year from which years are counted.
    """

    arms: Sequence[str] = tuple(ARMS)
    depths: Sequence[Share] = (0.25, 0.5, 0.75, 1.0)
    train: Annotated[int, Ge(1)] = 24
    carriers: Annotated[int, Ge(2), Le(20)] = 4
    between: Annotated[int, Ge(0)] = 3
    present: int = 2025

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("vacher2024perceptual",)
    outcome: ClassVar = Judged
    metrics: ClassVar = METRICS
    figures: ClassVar = (Curve("scale", x="magnitude"), Curve("fisher_path", x="magnitude"))
    gates: ClassVar = (option_mass("upper"),)
    item_fields: ClassVar = ("domain", "noun", "shape", "lower", "upper", "magnitudes")

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose", "read"} if self.depths else {"choose"})

    def train_items(self) -> int:
        return self.train if self.depths else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Fit:
        if not self.depths:
            return {}
        domains = sorted({item.fields["domain"] for item in train} & {*DOMAINS})
        layers, unread = subject.layers_at(self.depths), no_path("not read yet")
        read = (paths(subject, d, layers, carriers=self.carriers, between=self.between) for d in domains)
        asked = (self.both_orders(ARMS["apart"], item, subject, unread) for item in train)
        walked, judged_in_train = await asyncio.gather(together(read), together(asked))
        pairs = [(item, row) for item, rows in zip(train, judged_in_train, strict=True) for row in rows]
        return {
            domain: predicted(domain, by_layer, [pair for pair in pairs if pair[1].domain == domain])
            for domain, by_layer in zip(domains, walked, strict=True)
        }

    async def ask(self, arm: Question, common: None, item: Item, subject: Subject, fitted: Fit) -> list[Judged]:
        states = fitted.get(item.fields["domain"], no_path("no states are read for this domain"))
        return await self.both_orders(arm, item, subject, states)

    async def both_orders(self, arm: Question, item: Item, subject: Subject, states: Predicted) -> list[Judged]:
        """The judgements of one item, with either pair first."""
        fields = item.fields
        swapped = arm.shuffled and subject.random("shuffled labels").random() < 0.5
        *others, last = dict.fromkeys([*fields["lower"], *fields["upper"]])

        async def one(first: str, second: str) -> Judged:
            shown = {"first": " and ".join(fields[first]), "second": " and ".join(fields[second])}
            question = self.text(arm.asks, noun=fields["noun"], all=f"{', '.join(others)} and {last}", **shown)
            turns = (Message("user", question),)
            choice = await letter(subject, turns, self.text("lead"), {first: "A", second: "B"})
            p = choice.p["lower" if (arm.asks == "alike") != swapped else "upper"]
            return judged(item, first, p, choice.mass, present=self.present, states=states)

        return await together(one(*order) for order in (("lower", "upper"), ("upper", "lower")))
