"""The arms of the experiment, the row of one prediction, and what training items leave for the baselines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from experiments.introspection.self_prediction.prompts import Question
from experiments.introspection.self_prediction.properties import PROPERTIES, Said, truth
from harness import Arm, Fate, GradedAnswer, Item, Probability, metrics


@dataclass(frozen=True, kw_only=True)
class Predictor(Arm):
    """Who predicts the model's reply.

    Attributes:
        by: the model itself, its rival, the model about another request of the kind, or a rule.
        drawn: whether replies and predictions are drawn at a temperature, as many as `draws`, and not greedy.
    """

    by: Literal["self", "rival", "other request", "mode", "random draw", "first named", "last named", "example"]
    drawn: bool = False


ARMS: Mapping[str, Predictor] = {
    "self": Predictor(by="self"),
    "rival": Predictor(by="rival"),
    "shuffled story": Predictor(by="other request"),
    "rule: mode": Predictor(by="mode"),
    "rule: random draw": Predictor(by="random draw"),
    "rule: first named": Predictor(by="first named"),
    "rule: last named": Predictor(by="last named"),
    "rule: example": Predictor(by="example"),
    "self, drawn": Predictor(by="self", drawn=True),
    "rival, drawn": Predictor(by="rival", drawn=True),
}
NOTHING = Said("", "empty")
DEFAULT = tuple(name for name, arm in ARMS.items() if not arm.drawn)


@dataclass(frozen=True, kw_only=True)
class Prediction(GradedAnswer):
    """A prediction of one property of the model's reply to one request.

    Attributes:
        answer: the predicted value; "" where the prediction is not of the form asked for.
        correct: whether it is that of the reply. A reply without the property is predicted rightly by nobody.
        fate: what became of the reply where it lacks the property, else of the prediction; "answered" where both
            comply.
        kind: of the request; property: see `properties.PROPERTIES`; truth: its value in the reply.
        copied: whether the prediction is the value of the example that the question gives.
        object_p: of drawn replies, the share whose property is that of the greedy reply; predicted_p: of drawn
            predictions; gap: between both. gap_repeat: between `object_p` and the share in as many further replies,
            which is the gap of a perfect predictor with so many draws.
    """

    kind: str
    property: str
    truth: str
    copied: bool
    object_p: Probability | None = None
    predicted_p: Probability | None = None
    gap: Probability | None = None
    gap_repeat: Probability | None = None


def predicted(item: Item, name: str, real: Said, said: Said, copied: bool) -> Prediction:
    """The row of a prediction `said` of a property whose value is `real`."""
    fate: Fate = real.fate if real.fate != "answered" else said.fate
    return Prediction(
        answer=said.value,
        correct=fate == "answered" and said.value == real.value,
        fate=fate,
        kind=kind_of(item),
        property=name,
        truth=real.value,
        copied=copied,
    )


def kind_of(item: Item) -> str:
    """The kind of a request; "" where the task tells none."""
    return str(item.fields.get("kind") or "")


def compared(row: Prediction, replies: Sequence[str], said: Sequence[str]) -> Prediction:
    """The row with the shares of its true value among drawn predictions, and among replies twice as many."""

    def share(values: Sequence[str]) -> float:
        return values.count(row.truth) / len(values)

    first, further, theirs = share(replies[: len(said)]), share(replies[len(said) :]), share(said)
    return replace(
        row,
        object_p=Probability(first),
        predicted_p=Probability(theirs),
        gap=Probability(abs(theirs - first)),
        gap_repeat=Probability(abs(further - first)),
    )


@dataclass(frozen=True)
class Seen:
    """What the model replied to one training request, and predicted about it.

    Attributes:
        values: the properties of the reply by name, those that it has.
        said: the predictions by name; empty where none were asked for.
    """

    kind: str
    values: Mapping[str, str]
    said: Mapping[str, tuple[str, Fate]]

    @classmethod
    def of(cls, item: Item, reply: str, said: Mapping[str, Said]) -> Seen:
        """What a training request showed."""
        found = {name: truth(prop, reply).value for name, prop in PROPERTIES.items()}
        told = {name: (one.value, one.fate) for name, one in said.items()}
        return cls(kind_of(item), {name: value for name, value in found.items() if value}, told)


def values_of(seen: Sequence[Seen], item: Item, name: str) -> list[str]:
    """The values of a property in training replies to requests of the item's kind; of all kinds where it has none."""
    alike = [one.values[name] for one in seen if one.kind == kind_of(item) and name in one.values]
    return alike or [one.values[name] for one in seen if name in one.values]


def mode(values: Sequence[str]) -> str:
    """The commonest value, the first in the alphabet of equally common ones; "" of none."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")


def by_rule(by: str, question: Question, seen: Sequence[Seen], rng: Random) -> Said:
    """What a rule predicts; nothing where it has nothing to go by."""
    values = values_of(seen, question.item, question.name)
    match by:
        case "mode":
            value = mode(values)
        case "random draw":
            value = rng.choice(sorted(values)) if values else ""
        case "first named" | "last named":
            field = "named" if by == "last named" else "first_named"
            value = question.prop.of(str(question.item.fields.get(field) or ""))
        case _:
            value = question.shown
    return Said(value, "answered") if value else NOTHING


def other_said(seen: Sequence[Seen], item: Item, name: str, rng: Random) -> Said:
    """A prediction about a training request of the item's kind, at random; nothing where there is none."""
    alike = [one.said[name] for one in seen if one.kind == kind_of(item) and name in one.said]
    return Said(*rng.choice(alike)) if alike else NOTHING


BY = ("arm", "property")
GREEDY: metrics.Where = {"drawn": False}
DRAWN: metrics.Where = {"drawn": True}
METRICS = (
    *metrics.graded(where=GREEDY),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_property", by=BY, where=GREEDY),
    *metrics.each(("correct",), metrics.accuracy, suffix="_by_kind", by=("arm", "kind"), where=GREEDY),
    *metrics.rates("copied", where=GREEDY),
    *metrics.mean_probabilities("object_p", "predicted_p", mad="gap", mad_repeat="gap_repeat", where=DRAWN),
)
