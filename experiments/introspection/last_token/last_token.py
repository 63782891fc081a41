"""Mental sums at the last token: how long tokens can wait for each other, and where the last one must see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from experiments.introspection.last_token.cases import Case, Sums
from experiments.introspection.last_token.rows import CHANGES, GATES, METRICS, Change, Kept, kept
from experiments.introspection.last_token.search import Found, search
from experiments.introspection.last_token.wordings import OPERATORS, STYLES, TEXTS, Style, Template
from harness import ArmedExperiment, Bars, Capability, Curve, HarnessError, Item, ItemError, Subject, together
from harness.outcomes import Failed


@dataclass(frozen=True, kw_only=True)
class LastToken(ArmedExperiment[Change, Found]):
    """Sums without reasoning are computed at the last token, which sees the operands in very few middle layers.

    Mamidanna et al. 2025, "All for One: LLMs Solve Mental Math at the Last Token", arXiv 2509.09650.
    Item: "9-4=", in six wordings, among them "Mia had 9 pencils. She lost 4 pencils. The number that is left is ". 5.

    CAMA (context-aware mean ablation): behind a layer, every token's stream is replaced by its mean over other sums
    that share this token at this place, so that up to there a token can only know itself. AF1: CAMA, and from there on
    tokens see themselves and the tokens before the sum (attention-based peeking); the last token sees all others in the
    transfer layers alone. Both are found on training sums in the first style, and used for all. `faithful`: the answer
    is that of the unchanged model, among the sums that it solves, and among all (`faithful_all`). An answer is the most
    probable one, where all answers together have at least half of all probability; else there is none.

    Controls: no transfer layers, or as many others, drawn for each sum; in place of the context-aware means the means
    over all sums, zeros, or the embeddings (layers that are skipped); the unchanged model whose last token does not see
    the others in the transfer layers (knock-out), or in as many others. The arms "by layer" give the curves. Where no
    layer lets tokens wait, or no layers are enough for the transfer, arms that rest on them have no values.

    Differs from the paper: models for which two digits are two tokens add one digit, behind four solved examples. These
    stay visible, as the BOS token does in the paper. Means leave the sum itself out, and take the first operand
    uniformly from all; wordings are our own. Left out: the pruning of heads, and sums of three operands.

    Attributes:
        styles: wordings that are asked.
        layers: how many layers are tried, evenly spaced; None tries all.
        least: the share of the training sums that must keep their answer.
        draws: other sums of which a mean is taken, at most.
        training: training sums.
    """

    arms: Sequence[str] = tuple(CHANGES)
    styles: Sequence[Style] = ("original", "verbal", "word_problem", "python")
    layers: Annotated[int, Ge(1)] | None = 6
    least: Annotated[float, Gt(0), Le(1)] = 0.8
    draws: Annotated[int, Ge(1)] = 32
    training: Annotated[int, Ge(1)] = 24

    all_arms: ClassVar = CHANGES
    texts: ClassVar = TEXTS
    papers: ClassVar = ("mamidanna2025all",)
    item_fields: ClassVar = ("question", "first", "second", "operator", "examples", "operands", "answers")
    outcome: ClassVar = Kept
    metrics: ClassVar = METRICS
    gates: ClassVar = GATES
    figures: ClassVar = (
        Curve("faithful_by_layer", x="layer"),
        Bars("faithful", by="style", where={"by_layer": False, "solved": True}),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise HarnessError(f"experiment.styles={list(self.styles)}: name one or more of {', '.join(STYLES)}, once")
        for name in TEXTS:
            Template.of(name, self.wording[name])

    def capabilities(self) -> frozenset[Capability]:
        return frozenset({"choose", "read", "intervene"})

    def train_items(self) -> int:
        return self.training

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Found:
        tried, (last,) = self.tried(subject), subject.layers_at([1.0])
        asked = await together(self.case(item, self.styles[0], tried, subject) for item in train)
        cases = [case for case in asked if isinstance(case, Case)]
        if not cases:
            (why, *_) = (one.error for one in asked if isinstance(one, Failed))
            raise HarnessError(f"none of the {len(train)} training sums can be asked; of the first, {why}")
        return await search(subject, cases, last + 1, self.least)

    async def begin(self, item: Item, subject: Subject, fitted: Found) -> list[Case | Failed]:
        (last,) = subject.layers_at([1.0])
        if fitted.depth != last + 1:
            raise HarnessError(
                f"experiment.fitted={self.fitted}: of a model of {fitted.depth} layers, but this one has {last + 1}"
            )
        swept = any(arm.by_layer for arm in self.chosen.values())
        layers = [fitted.layers if swept else [fitted.wait], *[[fitted.wait]] * len(self.styles)]
        asked = zip(self.styles, layers, strict=False)
        return await together(self.case(item, style, known, subject) for style, known in asked)

    async def ask(
        self, arm: Change, common: Sequence[Case | Failed], item: Item, subject: Subject, fitted: Found
    ) -> list[Kept | Failed]:
        some = common[:1] if arm.by_layer else common
        rows = await together(self.rows(arm, case, subject, fitted) for case in some)
        return [row for rows_of_style in rows for row in rows_of_style]

    async def rows(
        self, arm: Change, case: Case | Failed, subject: Subject, found: Found
    ) -> Sequence[Kept] | Sequence[Failed]:
        """The answers to a sum in one style: one, or one a layer."""
        if isinstance(case, Failed):
            return [case]
        if lacking := arm.lacks(found):
            return [kept(case, None, found, -1, lacking)]
        layers, rng = arm.layers(found), subject.random(f"other layers/{case.style}")
        said = await together(case.ask(subject, *arm.inside(case, found, layer, rng)) for layer in layers)
        return [kept(case, choice, found, layer) for layer, choice in zip(layers, said, strict=True)]

    async def case(self, item: Item, style: Style, layers: Sequence[int], subject: Subject) -> Case | Failed:
        """A sum in one style, or why it cannot be asked."""
        name = f"{style}_{OPERATORS[item.fields['operator']]}"
        try:
            return await Sums(subject, style, Template.of(name, self.wording[name]), item, self.draws).case(layers)
        except ItemError as error:
            return Failed(error=f"{style}: {error}")

    def tried(self, subject: Subject) -> list[int]:
        """The layers that are tried."""
        (last,) = subject.layers_at([1.0])
        n = min(self.layers or last + 1, last + 1)
        return subject.layers_at([(i + 1) / n for i in range(n)])
