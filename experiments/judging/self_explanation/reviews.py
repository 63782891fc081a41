"""The task: short reviews by rule, in which the effect of every word is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.shared.distinct import check_size, distinct
from harness import Item, Task
from harness.tasks.graders import short_answer
from harness.tasks.texts import word_list

STRONG: Mapping[str, Sequence[str]] = {
    "positive": word_list(
        "superb wonderful excellent fantastic delightful splendid terrific marvellous outstanding magnificent"
    ),
    "negative": word_list("awful terrible dreadful horrible dismal atrocious lousy miserable appalling abysmal"),
}
"""Words of effect 2 and -2."""
WEAK: Mapping[str, Sequence[str]] = {
    "positive": word_list("decent pleasant nice fine good solid"),
    "negative": word_list("dull bland weak mediocre forgettable tiresome"),
}
"""Words of effect 1 and -1."""
NEUTRAL: Sequence[str] = word_list("simple familiar usual typical new different")
PARTS: Mapping[str, Sequence[str]] = {
    "film": word_list("plot acting music ending dialogue"),
    "restaurant": word_list("soup service menu dessert bread"),
    "hotel": word_list("room breakfast pool lobby garden"),
    "novel": word_list("prose opening story cover finale"),
    "concert": word_list("sound stage lighting programme encore"),
}
FRAMES: Sequence[str] = (
    "The {a} was {x}, {link} the {b} was {y}.",
    "We found the {a} {x} {link} the {b} {y}.",
    "Overall the {a} seemed {x}, {link} the {b} felt {y}.",
    "To us the {a} was {x} {link} the {b} seemed {y}.",
    "This time the {a} felt {x}, {link} the {b} was {y}.",
)


def effect(word: str) -> int:
    """The effect of a word on the positive label: 2, 1, 0, -1 or -2; marks around it do not count."""
    bare = word.strip(".,").lower()
    for label, sign in (("positive", 1), ("negative", -1)):
        if bare in STRONG[label]:
            return 2 * sign
        if bare in WEAK[label]:
            return sign
    return 0


@dataclass(frozen=True, kw_only=True)
class Reviews(Task):
    """Reviews of two clauses, one with a strong word and one with a weak or neutral one.

    The label is the sign of the sum of all effects, so that a bag of words is always right. A third of the reviews has
    a weak word of the other sign, a third one of the same sign, a third a neutral one. The strong word stands first or
    second, so that its place tells nothing. Labels are balanced. Reviews with the same strong word are one group.

    An item's fields are "review", "question" (the same review with a question about it), "weights" (the effect of each
    word, separated by spaces) and "kind". The gold is "positive" or "negative".

    Attributes:
        size: how many reviews, from 1 to 2000; a larger size contains the smaller one.
        seed: seed of the generator.
    """

    version: ClassVar[str] = "1"
    name: str = "reviews"
    size: int = 300
    seed: int = 0

    def load(self) -> list[Item]:
        rng = random.Random(f"reviews/{self.seed}")
        return distinct(
            check_size(self, "size", 2000),
            lambda n: _review(rng, ("positive", "negative")[n % 2], ("opposed", "alike", "neutral")[n % 3]),
            lambda item: str(item.fields["review"]),
        )


def _review(rng: random.Random, label: str, kind: str) -> Item:
    other = {"positive": "negative", "negative": "positive"}[label]
    strong = rng.choice(STRONG[label])
    second = rng.choice({"opposed": WEAK[other], "alike": WEAK[label], "neutral": NEUTRAL}[kind])
    x, y = rng.sample((strong, second), 2)
    a, b = rng.sample(PARTS[rng.choice([*PARTS])], 2)
    review = rng.choice(FRAMES).format(a=a, b=b, x=x, y=y, link="but" if kind == "opposed" else "and")
    return sentiment_item(review, label, group=strong, kind=kind, weights=[effect(word) for word in review.split()])


def sentiment_item(review: str, label: str, *, group: str = "", **more: object) -> Item:
    """A review with its label."""
    question = f"Is this review positive or negative? {review}"
    return Item({"review": review, "question": question, **more}, label, short_answer, group)
