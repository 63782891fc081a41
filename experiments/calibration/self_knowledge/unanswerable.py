"""Questions with and without an answer, from the same templates: the wording gives little away."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.calibration.self_knowledge import false_premises, fictional, unknowable
from experiments.calibration.self_knowledge.questions import MOST, Question
from harness import HarnessError, Item, Task
from harness.tasks.refusals import admits_unknown

ANSWERABLE = "answerable"
TEMPLATES = {
    "fictional": fictional.TEMPLATES,
    "false premise": false_premises.TEMPLATES,
    "unknowable": unknowable.TEMPLATES,
}
"""The templates by why a question has no answer: it asks about what is made up; it takes for true what is false; nobody
can tell."""
KINDS = tuple(TEMPLATES)


@dataclass(frozen=True, kw_only=True)
class Unanswerable(Task):
    """Half of the questions have an answer; of the others a third each is fictional, of a false premise and unknowable.

    Every template asks questions of both halves in the same words: "What is the capital of Chad?" and "What is the
    capital of Breldonia?"; "What is the sum of 12 and 30?" and "What is the sum of 12 and the number that Ada is
    thinking of?". A bag of words fitted on the other templates tells 54 to 60 % right. Group: the
    template, of which there are 45. Fields:
    "question", "kind" ("answerable" or one of `KINDS`), "template". Gold: an empty list where there is no answer; a
    text that says so is then right.

    Attributes:
        size: number of items, at least 6; a larger size contains the smaller one.
        seed: seed of names and numbers.

    Raises:
        HarnessError: by `load`: a size that cannot be had.
    """

    version: ClassVar[str] = "3"
    name: str = "unanswerable"
    size: int = 240
    seed: int = 0

    def load(self) -> list[Item]:
        if self.size < 6:
            raise HarnessError(f"task {self.name!r}: size={self.size}; give at least 6")
        cells = self._cells()
        turns = itertools.cycle([ANSWERABLE, KINDS[0], ANSWERABLE, KINDS[1], ANSWERABLE, KINDS[2]])
        items = []
        for kind in itertools.islice(turns, self.size):
            item = next(cells[kind], None)
            if item is None:
                raise HarnessError(f"task {self.name!r}: size={self.size} is too large, {kind} questions run out")
            items.append(item)
        return items

    def _cells(self) -> dict[str, Iterator[Item]]:
        """The items of every kind, its templates in turn."""
        queues: dict[str, list[list[Item]]] = {ANSWERABLE: []}
        for kind, templates in TEMPLATES.items():
            for name, make in templates.items():
                rng = random.Random(f"unanswerable/{self.seed}/{name}")
                for of, questions in zip((ANSWERABLE, kind), make(rng), strict=True):
                    distinct = list({question.text: question for question in questions}.values())
                    some = rng.sample(distinct, min(MOST, len(distinct)))
                    queues.setdefault(of, []).append([_item(q, of, name) for q in some])
        return {kind: _in_turn(lists) for kind, lists in queues.items()}


def _item(question: Question, kind: str, template: str) -> Item:
    fields = {"question": question.text, "kind": kind, "template": template}
    grader = question.grader if kind == ANSWERABLE else admits_unknown
    return Item(fields=fields, gold=question.gold, grader=grader, group=f"template:{template}")


def _in_turn(lists: Sequence[Sequence[Item]]) -> Iterator[Item]:
    for row in itertools.zip_longest(*lists):
        yield from (item for item in row if item is not None)
