"""Self-explanations: do the words that a model calls important move its own prediction?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Annotated, ClassVar, cast, get_args

from annotated_types import Ge

from experiments.judging.self_explanation import checks, classifier
from experiments.judging.self_explanation.checks import Checker
from experiments.judging.self_explanation.classifier import SIGNS, Classifier, Order
from experiments.judging.self_explanation.explanations import Explanation, Form, bare
from experiments.judging.self_explanation.faithfulness import (
    comprehensiveness,
    distinct,
    effects,
    feature_agreement,
    flip_share,
    lime,
    lime_masks,
    moved,
    needed,
    rank_correlation,
    ranking,
    sign_agreement,
    steps,
    sufficiency,
    top,
    without,
)
from experiments.judging.self_explanation.rows import GATES, METHODS, METRICS, Explained, Method
from harness import ArmedExperiment, Bars, Item, Probability, Subject, together

Others = Mapping[str, Sequence[Sequence[float]]]
"""Scores of the words of other reviews, by order and form of the explanation."""


@dataclass(frozen=True, kw_only=True)
class SelfExplanation(ArmedExperiment[Method, Others]):
    """The words that a model calls important for its prediction are important for it, as much as occlusion finds.

    Huang et al. 2023, "Can Large Language Models Explain Themselves?", arXiv 2310.11207; self-consistency checks of
    Madsen et al. 2024, "Are self-explanations from Large Language Models faithful?", arXiv 2401.07927.
    Item: "The plot was superb, but the ending was dull." Positive: "superb" has the effect 2, and "dull" -1.

    f(x) is the exact probability of the predicted label, the mean over both orders of the labels, and never a stated
    confidence. Words are taken away in the order of a ranking; a faithful one has high comprehensiveness, low
    sufficiency, an early flip. Rankings: the model's most telling words (self), its scores of all words (self scores),
    occlusion, LIME, random scores, the longest words, and its explanation of another review at the same places
    (shuffled). Scores are for the positive label, and change their sign where the prediction is negative. P-E and E-P
    are two classifiers, each of which is explained and asked in its own order. An explanation that cannot be read ranks
    the words at random.

    Checks: the model's counterfactual is judged as the other label, against its rewriting in other words; a review that
    it redacted is unknown to it, against as many words redacted at random; and so with the words that it named.

    Differs from the paper: f by option probabilities; curves at a few points; words keep their punctuation marks;
    wording of our own. Left out: stated confidences, agreement of LIME with the others, E-P explanations by scores.

    Attributes:
        points: points of a deletion curve, besides the first word.
        lime_samples: texts for LIME, as a multiple of the number of words.
        mask: put in the place of words that are taken away; "" closes the gap. "___" is the other usual choice.
        others: training reviews whose explanations are the shuffled ones.
        words_tokens, scores_tokens, review_tokens: caps on named words, on scores of all words, on a changed review.
    """

    arms: Sequence[str] = tuple(METHODS)
    points: Annotated[int, Ge(1)] = 4
    lime_samples: Annotated[int, Ge(2)] = 4
    mask: str = ""
    others: Annotated[int, Ge(1)] = 6
    words_tokens: Annotated[int, Ge(1)] = 24
    scores_tokens: Annotated[int, Ge(1)] = 120
    review_tokens: Annotated[int, Ge(1)] = 60

    all_arms: ClassVar = METHODS
    texts: ClassVar = {**classifier.TEXTS, **checks.TEXTS}
    item_fields: ClassVar = ("review",)
    papers: ClassVar = ("huang2023explain", "madsen2024selfexplanations")
    outcome: ClassVar = Explained
    metrics: ClassVar = METRICS
    gates: ClassVar = GATES
    figures: ClassVar = (Bars("flip1", by="source", hue="order", where={"kind": "ranking"}),)

    def shuffled(self) -> dict[str, Method]:
        """The arms that need explanations of other reviews, by order and form."""
        return {f"{arm.order} {arm.form}": arm for arm in self.chosen.values() if arm.source == "other"}

    def train_items(self) -> int:
        return self.others if self.shuffled() else 0

    async def prepare(self, train: Sequence[Item], subject: Subject) -> Others:
        async def scores(arm: Method) -> list[Sequence[float]]:
            asked = (self.classifier(item, subject, arm.order).explain(cast("Form", arm.form)) for item in train)
            found = await together(asked)
            return [one.scores for one in found if one.fate == "answered"] or [one.scores for one in found]

        shuffled = self.shuffled()
        return dict(zip(shuffled, await together(map(scores, shuffled.values())), strict=True))

    async def begin(self, item: Item, subject: Subject, fitted: Others) -> dict[Order, Classifier]:
        return {order: self.classifier(item, subject, order) for order in get_args(Order)}

    def classifier(self, item: Item, subject: Subject, order: Order) -> Classifier:
        """The classifier of an order, about one review."""
        words, room = item.fields["review"].split(), {"words": self.words_tokens, "scores": self.scores_tokens}
        return Classifier(subject, self.wording, words, order, self.mask, cast("Mapping[Form, int]", room))

    async def ask(
        self, arm: Method, common: dict[Order, Classifier], item: Item, subject: Subject, fitted: Others
    ) -> Explained:
        one = common[arm.order]
        if arm.check != "none":
            return await self.checked(arm, one, subject)
        n, whole = len(one.words), await one.whole()
        found = await self.ranked(arm, one, subject, fitted)
        order, at = ranking(found.scores, subject.random(f"ties {arm.source} {arm.order}")), steps(n, self.points)
        alone = [without(n, (i,)) for i in range(n)]
        read = await one.p([without(n, ()), *alone, *needed(order, at)])
        f = {kept: choice.p[whole.best] for kept, choice in read.items()}.__getitem__
        single = effects(n, f)
        occluded, k, sign = ranking(single, subject.random(f"ties occlusion {arm.order}")), top(n), SIGNS[whole.best]
        known = item.fields.get("weights")
        return Explained(
            label=whole.best,
            correct=whole.best == item.gold,
            p=Probability(whole.p[whole.best]),
            comp=comprehensiveness(order, at, f),
            suff=sufficiency(order, at, f),
            flip1=f(without(n, order[:1])) < 0.5,
            frac=Probability(flip_share(order, at, f)),
            rankdel=rank_correlation(found.scores, single),
            truth=rank_correlation(found.scores, [sign * w for w in known]) if known else None,
            top_agreement=Probability(feature_agreement(order, occluded, k)),
            sign_agreement=Probability(sign_agreement(found.scores, single, (order[:k], occluded[:k]))),
            levels=distinct(found.scores),
            matched_words=Probability(found.matched) if arm.source == "self" else None,
            fate_explanation=found.fate if arm.source == "self" else None,
            mass=Probability(whole.mass),
            mass_changed=Probability(fmean(choice.mass for choice in read.values())),
            said=found.said,
        )

    async def ranked(self, arm: Method, one: Classifier, subject: Subject, fitted: Others) -> Explanation:
        """Scores of the words for the predicted label."""
        n, rng = len(one.words), subject.random(f"{arm.source} {arm.order}")
        whole, scores = await one.whole(), [rng.random() for _ in one.words]
        if arm.source == "self":
            return await one.explain(cast("Form", arm.form))
        if arm.source == "other":
            scores = moved(rng.choice(fitted[f"{arm.order} {arm.form}"]), n)
        elif arm.source == "longest":
            scores = [float(len(bare(word))) for word in one.words]
        elif arm.source != "random":
            kept = [without(n, ()), *(without(n, (i,)) for i in range(n))]
            kept = kept if arm.source == "occlusion" else lime_masks(n, self.lime_samples * n, rng)
            f = {some: read.p[whole.best] for some, read in (await one.p(kept)).items()}.__getitem__
            scores = effects(n, f) if arm.source == "occlusion" else lime(n, kept, f)
        return Explanation(tuple(scores), 1.0, "answered", "")

    async def checked(self, arm: Method, one: Classifier, subject: Subject) -> Explained:
        """A self-consistency check."""
        named = await one.explain("words") if arm.form == "words" else None
        places = [i for i, score in enumerate(named.scores) if score > 0] if named else []
        checker = Checker(subject, self.wording, one.words, self.review_tokens)
        found = await checker.check(cast("checks.Check", arm.check), places, subject.random(arm.check))
        return Explained(
            label=found.before.best,
            consistent=found.consistent,
            known=found.known,
            changed=Probability(found.changed),
            fate_explanation=named.fate if named and arm.source == "self" else found.fate,
            mass=Probability(found.before.mass),
            mass_changed=Probability(found.after.mass),
            said=found.text,
        )
