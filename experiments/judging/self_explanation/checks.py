"""Self-consistency checks, which need no right answer: is the model's own counterfactual what it was asked to be, is a
review that it redacted unknown to it? (Madsen et al. 2024)"""

from __future__ import annotations

import difflib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.judging.self_explanation.classifier import LABELS, forms
from experiments.judging.self_explanation.explanations import bare
from experiments.shared.rotations import Rotated, in_all_rotations
from harness import Choice, Fate, Prompt, Subject, fill
from harness.tasks.texts import own_text

Check = Literal["counterfactual", "rewriting", "redaction", "redaction at random", "own words", "random words"]

GONE = "[REDACTED]"
TEXTS: Mapping[str, str] = {
    "judge": "Does the following review sound $first, $second or $third? Answer with one word. Say unknown if it does "
    "not tell.\n\nReview: $review",
    "counterfactual": "Change the following review so that it is $target. Change as few words as you can. Reply with "
    "the changed review in one line.\n\nReview: $review",
    "rewriting": "Put the following review in other words, so that it stays as it is in meaning. Reply with the new "
    "review in one line.\n\nReview: $review",
    "redaction": f"Redact the following review: write {GONE} in the place of every word that tells whether the writer "
    "is pleased, and leave all other words as they are. Reply with the redacted review in one line.\n\nReview: $review",
    "changed": "Review:",
}
OPTIONS = (*LABELS, "unknown")


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of one review.

    Attributes:
        before, after: the judgement of the review and of the changed one, of three options.
        consistent: whether the changed review is judged as it was to be: as the other label, or unknown. False of a
            review that is unknown from the start, and of a reply that gives no changed review.
        changed: share of the words that are no longer there, or were put in, in [0, 1].
        text: the changed review.
        fate: whether the reply gives one.
    """

    before: Rotated
    after: Rotated
    consistent: bool
    changed: float
    text: str
    fate: Fate

    @property
    def known(self) -> bool:
        """Whether the review as it was is judged positive or negative."""
        return self.before.best in LABELS


@dataclass(frozen=True)
class Checker:
    """Asks for checks of one review.

    Attributes:
        words: of the review; important: the places that the model's own explanation names, the most important first.
        room: tokens of a changed review.
    """

    subject: Subject
    wording: Mapping[str, str]
    words: Sequence[str]
    room: int

    async def check(self, kind: Check, important: Sequence[int], rng: random.Random) -> Checked:
        """One check.

        Args:
            important: places of the words that the model's explanation names. "random words" redacts as many.
        """
        before = await self._judged(" ".join(self.words))
        target = LABELS[1 - LABELS.index(before.best)] if before.best in LABELS else LABELS[0]
        text, fate = await self._changed(kind, target, important, rng)
        wanted = target if kind in ("counterfactual", "rewriting") else "unknown"
        if fate != "answered":
            return Checked(before, before, False, 0.0, text, fate)
        after = await self._judged(text)
        consistent = before.best in LABELS and after.best == wanted
        return Checked(before, after, consistent, changed(self.words, text.split()), text, fate)

    async def _changed(
        self, kind: Check, target: str, important: Sequence[int], rng: random.Random
    ) -> tuple[str, Fate]:
        if kind == "own words":
            return self._redacted(important), "answered" if important else "unreadable"
        if kind == "random words":
            return self._redacted(rng.sample(range(len(self.words)), len(important))), "answered"
        text, fate = await self._written("redaction" if kind == "redaction at random" else kind, target)
        if kind != "redaction at random" or fate != "answered":
            return text, fate
        lost = min(len(self.words), text.count(GONE))
        return self._redacted(rng.sample(range(len(self.words)), lost)), "answered"

    async def _written(self, name: str, target: str) -> tuple[str, Fate]:
        """A review that the model changes."""
        shown = {"review": " ".join(self.words), "target": target}
        asked = Prompt.user(fill(self.wording[name], shown), self.wording["changed"])
        reply = await self.subject.generate(asked, max_tokens=self.room, stop=("\n",))
        text = own_text(reply.text).strip().strip('"')
        if reply.finish == "length":
            return text, "cut"
        if not text:
            return text, "empty"
        return text, "unreadable" if name == "redaction" and GONE not in text else "answered"

    async def _judged(self, review: str) -> Rotated:
        async def ask(order: Sequence[str]) -> Choice:
            shown = dict(zip(("first", "second", "third"), order, strict=True))
            asked = Prompt.user(fill(self.wording["judge"], {**shown, "review": review}), self.wording["answer"])
            return await self.subject.choose(asked, {option: forms(option) for option in OPTIONS})

        return await in_all_rotations(OPTIONS, ask)

    def _redacted(self, places: Sequence[int]) -> str:
        gone = set(places)
        return " ".join(GONE if i in gone else word for i, word in enumerate(self.words))


def changed(before: Sequence[str], after: Sequence[str]) -> float:
    """The share of words that differ, in [0, 1]: 1 - 2 m / (words of both), m those in common in their order."""
    one, other = ([bare(word) or word for word in words] for words in (before, after))
    return 1 - difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
