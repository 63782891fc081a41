"""The task: questions about characters of novels, each with its passage and the text before it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from experiments.theory_of_mind.characters.plots import PLOTS
from experiments.theory_of_mind.characters.question import Question
from experiments.theory_of_mind.characters.questions import QUESTIONS
from harness import Item, Task
from harness.tasks.tom.questions import about_story


@dataclass(frozen=True, kw_only=True)
class CharacterQuestions(Task):
    """Questions about characters of twelve novels, whose plots are told in our own words.

    Items have the form of the public set. Fields beside `about_story`'s: "contexts" (the passage by how many
    tokens of the text before it has in front: "0", and "1000" with all paragraphs before, which are about 600 tokens),
    "bonus_points", "answer_text", "book", and "elsewhere" (the plot of another book; in the public set, a text
    from another place in the same one). A book is a group.

    Attributes:
        seed: of the order of the options.
    """

    version: ClassVar[str] = "1"
    name: str = "character_questions"
    seed: int = 0

    def load(self) -> list[Item]:
        """All questions, book by book."""
        books = list(PLOTS)
        return [
            self.item(book, books[(at + 1) % len(books)], number, question)
            for at, book in enumerate(books)
            for number, question in enumerate(QUESTIONS[book])
        ]

    def _place(self, book: str, number: int) -> int:
        """Where the right option stands: in each place equally often, so that no rule of place beats chance."""
        asked = [(one, at) for one, questions in QUESTIONS.items() for at in range(len(questions))]
        random.Random(f"{self.seed}/places").shuffle(asked)
        return asked.index((book, number)) % 4

    def item(self, book: str, other: str, number: int, question: Question) -> Item:
        """The item of a question."""
        passage = PLOTS[book][question.passage]
        choices = random.Random(f"{self.seed}/{book}/{number}").sample(question.wrong, 3)
        choices.insert(self._place(book, number), question.answer)
        item = about_story(
            f"{book}, question {number}",
            story=passage,
            asked=question.asked,
            choices=choices,
            right=choices.index(question.answer),
            group=book,
            ability=question.dimension,
        )
        more = {
            "contexts": {"0": passage, "1000": joined(PLOTS[book][: question.passage + 1])},
            "bonus_points": list(question.points),
            "answer_text": question.answer,
            "book": book,
            "elsewhere": joined(PLOTS[other]),
        }
        return replace(item, fields={**item.fields, **more})


def joined(paragraphs: Sequence[str]) -> str:
    """Paragraphs as one text."""
    return "\n\n".join(paragraphs)
