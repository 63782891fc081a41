"""The classifiers that are explained: a prediction alone (P-E), and one after an explanation (E-P)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from experiments.judging.self_explanation.explanations import Explanation, Form, read
from experiments.judging.self_explanation.faithfulness import Kept, top, without
from experiments.shared.rotations import Rotated, in_all_rotations
from harness import Choice, ItemError, Prompt, Subject, Text, fill
from harness.arms import Shared, together

Order = Literal["P-E", "E-P"]
LABELS = ("positive", "negative")
SIGNS: Mapping[str, int] = {"positive": 1, "negative": -1}
"""By which a score for the positive label becomes one for a label."""

TEXTS: Mapping[str, str] = {
    "classify": "Is the following review $first or $second? Answer with one word.\n\nReview: $review",
    "classify_after": "Is the review $first or $second? Answer with one word.",
    "answer": "Answer:",
    "words_before": "Which words of the following review say most about how the writer feels? Copy the $count most "
    "telling words, separated by commas, the most telling first.\n\nReview: $review",
    "words_after": "Which words of the review tell you this? Copy the $count most telling words, separated by commas, "
    "the most telling first.",
    "words": "Words:",
    "scores_after": "Give every word of the review a score from -1 (it makes the review negative) over 0 (neither) to "
    "1 (it makes the review positive). Write one line for each word, in their order: the word, a colon and its score.",
    "scores": "Scores:\n$first:",
}
"""The scores begin with the first word: behind "Scores:" alone small models write numbers without words."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """One order of predicting and explaining, about one review.

    In the order E-P, every text with words taken away is explained anew before it is classified: the classifier that
    is explained is the one that is asked (E-P explanations say nothing of a prediction alone).

    Attributes:
        words: of the review, separated by spaces.
        mark: put in the place of words that are taken away; "" closes the gap.
        room: tokens of an explanation of each form.
    """

    subject: Subject
    wording: Mapping[str, str]
    words: Sequence[str]
    order: Order
    mark: str
    room: Mapping[Form, int]
    _asked: Shared[Kept, Rotated] = field(init=False)

    def __post_init__(self) -> None:
        if len(self.words) < 2:
            raise ItemError("the review has fewer than two words, of which none can be taken away")
        object.__setattr__(self, "_asked", Shared(self._classify))

    async def p(self, some: Iterable[Kept]) -> dict[Kept, Rotated]:
        """The exact probabilities of the labels for texts of some words, asked at once and each once."""
        kept = list(dict.fromkeys(some))
        return dict(zip(kept, await together(map(self._asked.get, kept)), strict=True))

    async def whole(self) -> Rotated:
        """The same for all words."""
        return await self._asked.get(without(len(self.words), ()))

    async def explain(self, form: Form) -> Explanation:
        """The model's explanation of the whole review, with scores for the label that it predicts."""
        count = top(len(self.words))
        if self.order == "E-P":
            return read(await self._before(" ".join(self.words)), self.words, form, count)
        label = (await self.whole()).best
        asked = self._question("classify", LABELS, review=" ".join(self.words))
        begun = self._text(form, first=self.words[0].strip(".,;:!?"))
        asked = asked.then(f" {label}", self._text(f"{form}_after", count=count), begun)
        reply = await self._generate(asked, form)
        if form == "scores" and reply.text:
            reply = replace(reply, text=f"{begun}{reply.text}")
        found = read(reply, self.words, form, count)
        sign = SIGNS[label] if form == "scores" else 1
        return replace(found, scores=tuple(sign * score for score in found.scores))

    async def _classify(self, kept: Kept) -> Rotated:
        review = self._shown(kept)
        after = await self._before(review) if self.order == "E-P" else None

        async def ask(order: Sequence[str]) -> Choice:
            if after is None:
                asked = self._question("classify", order, review=review)
            else:
                turn = self._question("classify_after", order)
                asked = self._first(review).then(after.text, turn.messages[0].content, turn.prefill)
            return await self.subject.choose(asked, {label: forms(label) for label in LABELS})

        return await in_all_rotations(LABELS, ask)

    async def _before(self, review: str) -> Text:
        return await self._generate(self._first(review), "words")

    def _first(self, review: str) -> Prompt:
        count = top(len(review.split()))
        return Prompt.user(self._text("words_before", count=count, review=review), self._text("words"))

    async def _generate(self, asked: Prompt, form: Form) -> Text:
        # Not at a line break: models begin a list in a new line, or write a word a line.
        return await self.subject.generate(asked, max_tokens=self.room[form], stop=("\n\n",))

    def _question(self, name: str, order: Sequence[str], **shown: str) -> Prompt:
        return Prompt.user(self._text(name, first=order[0], second=order[1], **shown), self._text("answer"))

    def _shown(self, kept: Kept) -> str:
        left = set(kept)
        shown = (word if i in left else self.mark for i, word in enumerate(self.words))
        return " ".join(filter(None, shown))

    def _text(self, name: str, **values: object) -> str:
        return fill(self.wording[name], values)


def forms(label: str) -> list[str]:
    """A label as it may follow "Answer:"."""
    return [f" {label}", f" {label.capitalize()}"]
