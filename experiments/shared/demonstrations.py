"""What experiments on the probability of a lettered option share: the paper's question about an answer, six fixed
demonstrations of it, and how letters are read (Kadavath et al. 2022, section 3 and appendix A.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import Item, Message
from harness.tasks.texts import normalise


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


def fixed_blocks(item: Item, *, ideas: bool) -> tuple[Message, ...]:
    """The fixed demonstrations for one item, as exchanges; one that asks the item's own question is left out."""
    own = normalise(str(item.fields["question"]))
    return tuple(
        message
        for shown in FIXED
        if normalise(shown.question) != own
        for message in block(shown.question, shown.answer, shown.ideas if ideas else None, shown.correct)
    )


def block(stem: str, answer: str, ideas: Sequence[str] | None, correct: bool) -> tuple[Message, Message]:
    """A labelled example: the question about an answer and the letter that is right."""
    said = f"{lead(bool(ideas))} ({'A' if correct else 'B'})"
    return Message("user", judgement(stem, answer, ideas)), Message("assistant", said)


def judgement(stem: str, answer: str, ideas: Sequence[str] | None) -> str:
    """The paper's question about one answer; with ideas, all samples are listed first, the judged one among them."""
    noun = "possible" if ideas else "proposed"
    listed = "Here are some brainstormed ideas: " + "\n".join(ideas) + "\n" if ideas else ""
    asked = f"{noun.capitalize()} Answer: {answer}\nIs the {noun} answer:\n (A) True\n (B) False"
    return f"Question: {stem}\n{listed}{asked}"


def lead(ideas: bool) -> str:
    """The words before the letter of a judgement."""
    return f"The {'possible' if ideas else 'proposed'} answer is:"


def reading(letters: Mapping[str, str], *, parenthesis: bool) -> tuple[str, dict[str, list[str]]]:
    """What ends a prompt whose letter is read, and the surface forms of every option.

    Args:
        letters: the letter of each option.
        parenthesis: end the prompt with " (" and read the letter; False is for a tokenizer that merges "(A" into one
            token: then " (A" and " A" are read after the colon.
    """
    end, forms = (" (", ("{}",)) if parenthesis else ("", (" ({}", " {}"))
    return end, {option: [form.format(letter) for form in forms] for option, letter in letters.items()}
