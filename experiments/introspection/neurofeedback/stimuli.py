"""The task: sentences of two kinds, made by rule, whose activations are labelled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from experiments.introspection.neurofeedback.deeds import DEEDS, SUBJECTS
from harness import HarnessError, Item, ItemError, Task
from harness.tasks.facts import Facts
from harness.tasks.graders import gold_text, short_answer

POSITIVE, NEGATIVE = ("good", "true", "yes", "1"), ("bad", "false", "no", "0")
"""Right answers that make a sentence positive or negative; both in lower case."""


@dataclass(frozen=True, kw_only=True)
class Sentences(Task):
    """Sentences in pairs: a good and a bad deed of one topic, or a true and a false fact about one thing.

    An item's fields are "question", the sentence, and "kind". Its gold is "good" or "bad", "true" or "false". The group
    is the topic, or the country or element, so that sentences with the same words never lie on both sides of a split.
    There are 60 topics, and 270 countries and elements.

    Attributes:
        kind: "deeds" or "facts".
        each: subjects of every deed ("The teacher", "My neighbour"), from 1 to 10; the two deeds of a topic have the
            same. Facts have no subjects.
        seed: seed of the subjects and of the false facts.
    """

    version: ClassVar[str] = "1"
    name: str = "deeds"
    kind: Literal["deeds", "facts"] = "deeds"
    each: int = 2
    seed: int = 0

    def load(self) -> list[Item]:
        if not 1 <= self.each <= len(SUBJECTS):
            raise HarnessError(f"task {self.name!r}: each={self.each}; give 1 to {len(SUBJECTS)}")
        return list(self._deeds() if self.kind == "deeds" else self._facts())

    def _deeds(self) -> Iterator[Item]:
        for topic, (good, bad) in DEEDS.items():
            for subject in random.Random(f"{self.seed}/{topic}").sample(SUBJECTS, len(SUBJECTS))[: self.each]:
                yield _item(f"{subject} {good}.", "good", "deeds", topic)
                yield _item(f"{subject} {bad}.", "bad", "deeds", topic)

    def _facts(self) -> Iterator[Item]:
        facts = Facts(kinds=("capital", "symbol")).load()
        others: dict[str, list[str]] = {}
        for item in facts:
            others.setdefault(item.fields["kind"], []).append(gold_text(item))
        for item in facts:
            right, stem = gold_text(item), item.fields["question"].removeprefix("What is the ").removesuffix("?")
            wrong = random.Random(f"{self.seed}/{item.id}").choice(
                [x for x in others[item.fields["kind"]] if x != right]
            )
            yield _item(f"The {stem} is {right}.", "true", "facts", item.cluster)
            yield _item(f"The {stem} is {wrong}.", "false", "facts", item.cluster)


def _item(sentence: str, gold: str, kind: str, group: str) -> Item:
    return Item({"question": sentence, "kind": kind}, gold, short_answer, group=group)


def is_positive(item: Item) -> bool:
    """Whether a sentence is good or true, by its gold.

    Raises:
        ItemError: the gold is another.
    """
    gold = gold_text(item).strip().casefold()
    if gold not in POSITIVE + NEGATIVE:
        raise ItemError(f"the right answer is {gold!r}; a sentence is {', '.join(POSITIVE)} or {', '.join(NEGATIVE)}")
    return gold in POSITIVE
