"""The changes of the model under which sums are asked, and the rows that they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from experiments.introspection.last_token.cases import Case, Replaced, said
from experiments.introspection.last_token.search import Found
from harness import Ablate, Arm, Choice, Cut, Gate, Metric, Outcome, Probability, Replace, metrics
from harness.metrics.weighted import sums_by


@dataclass(frozen=True, kw_only=True)
class Change(Arm):
    """What is changed in the model.

    Attributes:
        replaces: what stands in place of the tokens' streams behind the last waiting layer.
        sees: where behind it the last token sees the others: everywhere, in the transfer layers, nowhere, or in as many
            other layers, drawn anew for each sum.
        cut: the layers in which the last token does not see the others, in a model without other changes: none, the
            transfer layers, or as many other ones.
        by_layer: asked at each of the tried layers in turn, of the first style only.
    """

    replaces: Replaced = "nothing"
    sees: Literal["everywhere", "transfer", "nowhere", "others"] = "everywhere"
    cut: Literal["none", "transfer", "others", "each"] = "none"
    by_layer: bool = False

    def layers(self, found: Found) -> Sequence[int]:
        """The layers that are tried in turn; -1 alone stands for those that were found."""
        if not self.by_layer:
            return (-1,)
        return sorted({*found.layers, *found.transfer}) if self.cut == "each" else found.layers

    def lacks(self, found: Found) -> str:
        """Why it cannot be asked with what was found; "" if it can."""
        if self.by_layer:
            return ""
        if self.replaces != "nothing" and found.wait < 0:
            return "none of the tried layers lets the tokens of training sums wait for each other"
        if (self.sees == "others" or self.cut != "none") and not found.enough:
            return "no layers were found that are enough for the transfer"
        return ""

    def inside(self, case: Case, found: Found, layer: int, rng: Random) -> tuple[Replace | Ablate | Cut, ...]:
        """The interventions on a case.

        Args:
            layer: one of `layers`.
            rng: draws other layers.
        """
        if self.cut != "none":
            return case.knocked_out(self._cut(found, layer, rng))
        replaced = case.replaced(self.replaces, layer if self.by_layer else found.wait)
        if self.sees == "everywhere":
            return replaced
        seen: Sequence[int] = found.transfer if self.sees == "transfer" else ()
        if self.sees == "others":
            seen = _others(found, found.behind, rng)
        return (*replaced, *case.peeking(found.behind, seen))

    def _cut(self, found: Found, layer: int, rng: Random) -> Sequence[int]:
        if self.cut == "each":
            return (layer,)
        return found.transfer if self.cut == "transfer" else _others(found, range(found.depth), rng)


def _others(found: Found, layers: Sequence[int], rng: Random) -> list[int]:
    """As many layers as there are transfer layers, or as there are, drawn from those that are none."""
    others = [layer for layer in layers if layer not in found.transfer]
    return rng.sample(others, min(len(found.transfer), len(others)))


CHANGES: Mapping[str, Change] = {
    "full model": Change(),
    "CAMA": Change(replaces="context means"),
    "AF1": Change(replaces="context means", sees="transfer"),
    "AF1 without transfer": Change(replaces="context means", sees="nowhere"),
    "AF1 with other layers": Change(replaces="context means", sees="others"),
    "means over all": Change(replaces="means over all"),
    "zero": Change(replaces="zero"),
    "skip": Change(replaces="embeddings"),
    "knock-out": Change(cut="transfer"),
    "knock-out of other layers": Change(cut="others"),
    "CAMA by layer": Change(replaces="context means", by_layer=True),
    "means over all by layer": Change(replaces="means over all", by_layer=True),
    "zero by layer": Change(replaces="zero", by_layer=True),
    "skip by layer": Change(replaces="embeddings", by_layer=True),
    "knock-out by layer": Change(cut="each", by_layer=True),
}


@dataclass(frozen=True, kw_only=True)
class Kept(Outcome):
    """The answer to a sum in one wording, of a changed model.

    Attributes:
        style, operator: the wording, and "+" or "-".
        layer: the layer that is tried; -1 where the layers are those that were found.
        wait, transfer: the layers that were found on training sums; transfer_layers: how many transfer layers.
        answer: the most probable answer; "" where all answers together have less than half of all probability.
        faithful: whether there is one and the unchanged model has the same; solved: whether that one's is right.
        correct: whether the answer is right.
        p_same: probability of the unchanged model's most probable answer.
        mass: probability that any answer is said.
        reason: why there is no answer to a change that rests on layers that were not found.
    """

    style: str
    operator: str
    layer: int
    wait: int
    transfer: str
    transfer_layers: int
    answer: str
    faithful: bool | None
    solved: bool
    correct: bool | None
    p_same: Probability | None
    mass: Probability | None
    reason: str = ""


def kept(case: Case, choice: Choice | None, found: Found, layer: int, reason: str = "") -> Kept:
    """The row of a choice; without values where there is none for a reason."""
    return Kept(
        style=case.style,
        operator=case.operator,
        layer=layer,
        wait=found.wait,
        transfer=", ".join(map(str, found.transfer)) or "none",
        transfer_layers=len(found.transfer),
        answer=said(choice) if choice else "",
        faithful=case.keeps(choice) if choice else None,
        solved=case.solved,
        correct=said(choice) == case.gold if choice else None,
        p_same=Probability(choice.p[case.full.best] * choice.mass) if choice else None,
        mass=Probability(choice.mass) if choice else None,
        reason=reason,
    )


@metrics.measure(label="number of solved problems", low=0, high=None, better="higher", interval=False)
def solved_problems(solved: metrics.Labels, item: metrics.Units, *, w: metrics.Weights) -> metrics.Floats:
    """Number of problems that the unchanged model solves, each counted once, whatever the number of its rows."""
    by_item = sums_by(w, item.values, solved.values)[:, 0]
    number: metrics.Floats = (by_item > 0).sum(axis=0).astype(float)
    return number


BY = ("arm", "style")
ONCE = {"by_layer": False}
METRICS: tuple[Metric, ...] = (
    *metrics.rates("faithful", by=BY, where={**ONCE, "solved": True}),
    *metrics.rates(by=BY, where=ONCE, faithful_all="faithful"),
    *metrics.each(("correct",), metrics.accuracy, by=BY, where=ONCE),
    *metrics.mean_probabilities("p_same", by=BY, where={**ONCE, "solved": True}),
    *metrics.mean_probabilities(option_mass="mass", by=BY, where=ONCE),
    *metrics.means("wait", "transfer_layers", where={"arm": "AF1"}),
    Metric("solved_problems", solved_problems, ("solved", "item"), ("style",)),
    *metrics.rates(by=(*BY, "operator"), where={"arm": "AF1", "solved": True}, faithful_by_template="faithful"),
    *metrics.rates(by=("arm", "layer"), where={"by_layer": True, "solved": True}, faithful_by_layer="faithful"),
)
GATES = (
    Gate(
        metric="solved_problems",
        least=20,
        columns=("faithful", "p_same"),
        why="not measurable, the model solves too few",
    ),
)
