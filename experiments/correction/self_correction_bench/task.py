"""The task: easy questions, each with a right and a wrong answer, and worked sums with a planted error."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from experiments.correction.self_correction_bench.reading import stated_value
from experiments.correction.self_correction_bench.stimuli import KINDS, SUM, Question, questions
from experiments.shared.worked_sums import worked_sum
from harness import HarnessError, Item, Task


@dataclass(frozen=True, kw_only=True)
class PlantedErrors(Task):
    """Questions with one short answer by rule, and sums in several steps, each with a wrong answer beside the right.

    Fields: "question"; "kind"; "asked", the thing that is asked about; "wrong", a wrong answer; "right_steps" and
    "wrong_steps", the working that leads to either, a line a step ([] but for sums); "committed", whether the words
    that are planted end in "The answer is ..." ("after"), or stop before it ("before"). Each sum makes one item of
    either sort, and both are one group, as are all questions about one thing. Every kind has as many items as the
    others, as far as it has that many.

    Attributes:
        size: number of items.
        kinds: of questions, see `stimuli.KINDS`; "sum" are the sums.
        steps: of a sum.
        seed: seed of the generator; another seed gives other items.
    """

    version: ClassVar[str] = "1"
    name: str = "planted_errors"
    size: int = 300
    kinds: Sequence[str] = (*KINDS, SUM)
    steps: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        known = (*KINDS, SUM)
        if unknown := set(self.kinds) - set(known):
            raise HarnessError(f"task {self.name!r}: kinds={sorted(unknown)} are none of {', '.join(known)}")
        if not self.kinds or len(set(self.kinds)) < len(self.kinds) or self.size < 1:
            raise HarnessError(
                f"task {self.name!r}: size={self.size}, kinds={list(self.kinds)}; give 1 and different kinds"
            )
        if not 2 <= self.steps <= 6:
            raise HarnessError(f"task {self.name!r}: steps={self.steps}; give 2 to 6")

    def load(self) -> list[Item]:
        """Items of all kinds by turns; fewer than `size` where the kinds have no more."""
        turns = by_turns(
            [self.sums() if kind == SUM else map(item_of, questions(kind, self.seed)) for kind in self.kinds]
        )
        return list(itertools.islice(turns, self.size))

    def sums(self) -> Iterator[Item]:
        """Sums without end, each before and after its answer is stated."""
        for number in itertools.count():
            sums = worked_sum(self.seed, number, self.steps)
            for committed in ("after", "before"):
                yield Item(
                    {
                        "question": sums.question,
                        "kind": SUM,
                        "asked": "",
                        "wrong": str(sums.wrong),
                        "right_steps": sums.right_lines(),
                        "wrong_steps": sums.flawed_lines(),
                        "committed": committed,
                    },
                    str(sums.gold),
                    stated_value,
                    group=sums.question,
                )


def item_of(question: Question) -> Item:
    """The item of a question with one short answer."""
    fields = {"question": question.text, "kind": question.kind, "asked": question.asked, "wrong": question.wrong}
    steps = {"right_steps": [], "wrong_steps": [], "committed": "after"}
    return Item({**fields, **steps}, question.right, stated_value, group=f"{question.kind} {question.asked}")


def by_turns(sources: Sequence[Iterator[Item]]) -> Iterator[Item]:
    """One item of each source in turn, until all are used up."""
    left = list(sources)
    while left:
        going: list[Iterator[Item]] = []
        for source in left:
            for item in itertools.islice(source, 1):
                yield item
                going.append(source)
        left = going
