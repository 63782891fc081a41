"""The stages at which an answer is read, and the rows that they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.judging.internal_consistency.spread import bits, consistency, variance
from harness import Arm, Capability, Outcome, Probability, metrics

Layer = Literal["first", "quarter", "middle", "three quarters", "last"]
DEPTHS: Mapping[Layer, float] = {"first": 1e-9, "quarter": 0.25, "middle": 0.5, "three quarters": 0.75, "last": 1.0}
"""Layers by name, as shares of the model's depth."""


@dataclass(frozen=True, kw_only=True)
class Stage(Arm):
    """Where an answer is read.

    Attributes:
        stage: "latent" inside the model, "decoding" from the next token, "response" after a text of the model's own.
        how: "heads" keeps one head of a layer, "zero" none of them, "lens" reads the stream behind a layer; of a
            response, "reasoned" lets the model think step by step, and "brief" does not.
    """

    stage: Literal["latent", "decoding", "response"]
    how: Literal["heads", "zero", "lens", "next token", "reasoned", "brief"]


STAGES: Mapping[str, Stage] = {
    "decoding": Stage(stage="decoding", how="next token"),
    "latent": Stage(stage="latent", how="heads"),
    "all heads zero": Stage(stage="latent", how="zero"),
    "lens": Stage(stage="latent", how="lens"),
    "response": Stage(stage="response", how="reasoned"),
    "response without reasoning": Stage(stage="response", how="brief"),
}
NEEDS: Mapping[str, frozenset[Capability]] = {
    "next token": frozenset(),
    "heads": frozenset({"intervene"}),
    "zero": frozenset({"intervene"}),
    "lens": frozenset({"intervene"}),
    "reasoned": frozenset({"generate"}),
    "brief": frozenset({"generate"}),
}
"""What a stage asks of the engine, by `Stage.how`, besides the digits as the next token."""


@dataclass(frozen=True, kw_only=True)
class Spread(Outcome):
    """The answers to one question at one stage, and of a latent stage at one layer.

    Attributes:
        layer: the layer's name; "none" where the stage has no layers.
        answer: the plurality answer; "" where no answer is defined.
        plurality: its share, given that a digit is said; plurality_correct: whether it is right.
        p_gold: share of the right answer.
        entropy: in bits, in [0, log2 10]; consistency: 1 - entropy / log2 10; variance: of the digits as numbers.
        above_decoding: the entropy less the next token's, in bits. Draws are compared with as many draws.
        above_zeroed: the entropy less that without any head of the layer, of the stage that keeps one head.
        agrees: whether the plurality answer is the next token's.
        set_plurality, set_entropy: of the set of the heads' most probable digits, as in the survey.
        defined: share of the heads, layers or texts whose digits have enough probability to be called an answer.
        mass: probability that a digit is said at all, the mean over heads or texts.
        cut: share of texts that met their limit of tokens.
        reason: why the numbers are missing.
    """

    layer: str = "none"
    answer: str = ""
    plurality: Probability | None = None
    plurality_correct: bool | None = None
    p_gold: Probability | None = None
    entropy: float | None = None
    consistency: float | None = None
    variance: float | None = None
    above_decoding: float | None = None
    above_zeroed: float | None = None
    agrees: bool | None = None
    set_plurality: Probability | None = None
    set_entropy: float | None = None
    defined: Probability
    mass: Probability
    cut: Probability | None = None
    reason: str = ""


def spread(p: Mapping[str, float], gold: str, *, mass: float, defined: float = 1.0, layer: str = "none") -> Spread:
    """The row of a distribution over the digits."""
    best = max(p, key=p.__getitem__)
    return Spread(
        layer=layer,
        answer=best,
        plurality=Probability(p[best]),
        plurality_correct=best == gold,
        p_gold=Probability(p.get(gold, 0.0)),
        entropy=bits(p),
        consistency=consistency(p),
        variance=variance(p),
        defined=Probability(defined),
        mass=Probability(mass),
    )


BY = ("arm", "layer")
METRICS = (
    *metrics.means("entropy", "consistency", "variance", "above_decoding", by=BY),
    *metrics.mean_probabilities("plurality", "p_gold", "defined", by=BY),
    *metrics.mean_probabilities(option_mass="mass", by=BY),
    *metrics.rates("plurality_correct", "agrees", by=BY),
    *metrics.each(("plurality", "plurality_correct"), metrics.auroc, by=BY),
    *metrics.means("above_zeroed", "set_entropy", by=BY, where={"how": "heads"}),
    *metrics.mean_probabilities("set_plurality", by=BY, where={"how": "heads"}),
    *metrics.mean_probabilities("cut", where={"stage": "response"}),
)
