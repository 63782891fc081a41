"""The arms, the words, the rows and the numbers of temporalCognition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.introspection.temporal_cognition import fits
from harness import Arm, Outcome, Probability, metrics
from harness.metrics import Metric

Distance = Literal["linear", "log", "levenshtein", "reference", "frequency"]
"""|i - j|; |ln i - ln j|; digits to change; through the reference year; how much likelier the model says one year."""


@dataclass(frozen=True, kw_only=True)
class View(Arm):
    """What is asked about the digits of years.

    Attributes:
        noun: what they are called.
        of: "ratings" of how alike two are; "states" of the residual stream at the last digit; "neurons" of the MLPs.
        which: "selected" or "random" neurons; "none" of the others.
        shuffled: whether a pair stands for two other years of the set.
    """

    noun: Literal["year", "number"] = "year"
    of: Literal["ratings", "states", "neurons"] = "ratings"
    which: Literal["selected", "random", "none"] = "none"
    shuffled: bool = False


VIEWS: Mapping[str, View] = {
    "years": View(),
    "numbers": View(noun="number"),
    "shuffled years": View(shuffled=True),
    "states of years": View(of="states"),
    "states of numbers": View(of="states", noun="number"),
    "states of shuffled years": View(of="states", shuffled=True),
    "neurons": View(of="neurons", which="selected"),
    "neurons on numbers": View(of="neurons", which="selected", noun="number"),
    "random neurons": View(of="neurons", which="random"),
}

TEXTS: Mapping[str, str] = {
    "rate": (
        "How close are the two $nouns on a scale of 0 (completely dissimilar) to 1 (completely similar)?\n\n"
        "Respond only with the rating.\n\n$Noun 1: $first\n\n$Noun 2: $second"
    ),
    "rating": "Rating: 0.",
    "say": "Name a $noun.",
    "said": "$Noun:",
    "spell": "Spell a $noun, digit by digit.",
    "spelt": "$Noun: $digits",
}


@dataclass(frozen=True, kw_only=True)
class Apart(Outcome):
    """A pair of years with one distance, or the response of neurons to one year.

    Attributes:
        first, second: the years whose distance `d` is; of shuffled years, those that the rating is not about.
        distance: which distance. d: its value; of neurons ln(|year - reference| + 1).
        dissimilarity: 1 - the mean rating of both orders, in [.1, 1]; of states 1 - cosine.
        order_gap: how far the ratings of both orders are apart.
        mass: probability of a digit where the rating is read, the mean of both orders.
        depth: of states and neurons, the layer as a share of the depth.
        response: mean activation of the neurons. side: whether the year lies before the reference year or behind it.
        share: share of the layer's neurons that respond to years more than to numbers.
        chosen: whether the layer was chosen on the training years.
        reason: why a value is missing.
    """

    first: int
    second: int | None = None
    distance: str
    d: float
    dissimilarity: float | None = None
    order_gap: float | None = None
    mass: Probability | None = None
    depth: float | None = None
    response: float | None = None
    side: str = ""
    share: float | None = None
    chosen: bool | None = None
    reason: str = ""


RATED, STATES, NEURONS = {"of": "ratings"}, {"of": "states"}, {"of": "neurons"}
ONCE = {**RATED, "distance": "log"}
"""One row a rated pair."""
PAIR, LINE = ("first", "second", "dissimilarity"), ("d", "dissimilarity")
BY = ("arm", "distance")

METRICS = (
    *metrics.each(LINE, metrics.r_squared, metrics.slope, by=BY, where=RATED),
    Metric("held_out", fits.held_out, ("first", "second", *LINE), by=BY, where=RATED),
    Metric("held_out_best_reference", fits.held_out_best_reference, PAIR, where=ONCE),
    Metric("reference_gain", fits.reference_gain, ("first", "second", *LINE), where=ONCE),
    Metric("reference_year", fits.reference_year, PAIR, where=ONCE),
    Metric("earliest_reference", fits.earliest_reference, PAIR, where=ONCE),
    Metric("latest_reference", fits.latest_reference, PAIR, where=ONCE),
    *metrics.means("dissimilarity", "order_gap", where=ONCE),
    *metrics.mean_probabilities(option_mass="mass", where=ONCE),
    Metric("state_r_squared", metrics.r_squared, LINE, by=("arm", "depth", "distance"), where=STATES),
    Metric("neuron_r_squared", metrics.r_squared, ("d", "response"), by=("arm", "depth", "side"), where=NEURONS),
    Metric("chosen_r_squared", metrics.r_squared, ("d", "response"), by=("arm", "side"), where={"chosen": True}),
    Metric("chosen_slope", metrics.slope, ("d", "response"), by=("arm", "side"), where={"chosen": True}),
    *metrics.means(neuron_share="share", by=("depth",), where={"arm": "neurons"}),
)
