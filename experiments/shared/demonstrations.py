"""The question whether an answer is right, (A) True or (B) False, as several experiments ask it, and six fixed
demonstrations of it (Kadavath et al. 2022, sections 3 and 4 and appendix A.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import Item, Message, Probability, Subject, Thought, fill, letter
from harness.tasks.texts import normalise

TEXTS: Mapping[str, str] = {
    "judgement": "Question: $question\nProposed Answer: $answer\nIs the proposed answer:\n (A) $a\n (B) $b",
    "judgement_lead": "The proposed answer is:",
    "ideas": "Question: $question\nHere are some brainstormed ideas: $ideas\nPossible Answer: $answer\n"
    "Is the possible answer:\n (A) $a\n (B) $b",
    "ideas_lead": "The possible answer is:",
}
"""The paper's question about one answer, alone or after several samples (ideas), and the start of the model's turn."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The question whether one answer is right.

    Attributes:
        text: the question; lead: the words before the letter.
        true, false: the letters of the two options.
    """

    text: str
    lead: str
    true: str = "A"
    false: str = "B"

    def labelled(self, correct: bool) -> tuple[Message, Message]:
        """The question with its right letter, as a demonstration."""
        letter = self.true if correct else self.false
        return Message("user", self.text), Message("assistant", f"{self.lead} ({letter})")

    def asked(self, before: Sequence[Message] = ()) -> tuple[Message, ...]:
        """The conversation that ends in the question, behind some demonstrations."""
        return (*before, Message("user", self.text))

    async def p_true(
        self, subject: Subject, before: Sequence[Message] = (), *, thought: Thought | str | None = None
    ) -> tuple[Probability, Probability]:
        """P(True) behind some demonstrations, p(true) / (p(true) + p(false)) of the letters, and the mass of the two.

        Args:
            thought: the model's thought about the question, see `Subject.choose`.

        Raises:
            ItemError: the prompt cannot be rendered, or does not fit.
        """
        letters = {"True": self.true, "False": self.false}
        choice = await letter(subject, self.asked(before), self.lead, letters, thought=thought)
        return Probability(choice.p["True"]), Probability(choice.mass)


def judgement(
    wording: Mapping[str, str], question: str, answer: str, ideas: Sequence[str] = (), *, swapped: bool = False
) -> Judgement:
    """The question about one answer; with ideas all of them are listed first, the judged answer among them.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
        swapped: whether (A) is False and (B) True. A model that likes the letter A gives both orders a high p(A), which
            is no knowledge of its answer.
    """
    name, (a, b) = "ideas" if ideas else "judgement", ("False", "True") if swapped else ("True", "False")
    values = {"question": question, "answer": answer, "ideas": "\n".join(ideas), "a": a, "b": b}
    letters = ("B", "A") if swapped else ("A", "B")
    return Judgement(fill(wording[name], values), wording[f"{name}_lead"], *letters)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question, five ideas for its answer, one of them judged, and whether that one is right."""

    question: str
    ideas: tuple[str, str, str, str, str]
    answer: str
    correct: bool


FIXED = (
    Demonstration(
        "How many strings does a violin have?", ("four", "five", "four", "It has four strings.", "six"), "four", True
    ),
    Demonstration(
        "Which planet is closest to the Sun?", ("Venus", "Mercury", "Mercury", "Mars", "Venus"), "Venus", False
    ),
    Demonstration("How many sides does a hexagon have?", ("8", "6", "5", "6", "8"), "8", False),
    Demonstration(
        "Who wrote the play Romeo and Juliet?",
        ("William Shakespeare", "Shakespeare", "Charles Dickens", "William Shakespeare", "Christopher Marlowe"),
        "William Shakespeare",
        True,
    ),
    Demonstration(
        "In which sport is a shuttlecock used?",
        ("tennis", "badminton", "squash", "tennis", "badminton"),
        "tennis",
        False,
    ),
    Demonstration(
        "What do bees gather from flowers to make honey?",
        ("nectar", "pollen", "nectar", "sugar", "wax"),
        "nectar",
        True,
    ),
)
"""Six hand-written demonstrations, three true and three false, as the paper has in appendix A.5; the words are ours.
No task that comes with the harness asks these questions."""


def fixed(wording: Mapping[str, str], item: Item, *, ideas: bool = False) -> tuple[Message, ...]:
    """The fixed demonstrations for one item, as exchanges; one that asks the item's own question is left out."""
    own = normalise(str(item.fields["question"]))
    return tuple(
        message
        for one in FIXED
        if normalise(one.question) != own
        for message in judgement(wording, one.question, one.answer, one.ideas if ideas else ()).labelled(one.correct)
    )
