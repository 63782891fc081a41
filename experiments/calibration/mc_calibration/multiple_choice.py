"""Lettered questions in their forms, and the answers to them (Kadavath et al. 2022, sections 2 and 3)."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from experiments.shared import demonstrations
from experiments.shared.rotations import movable
from experiments.shared.thoughts import ThoughtArm
from harness import Item, Message, Prompt, Subject, fill, letter, together
from harness.tasks.choices import LETTERS, lettered

Form = Literal["lettered", "nota", "true-false", "cyclic"]

TEXTS: Mapping[str, str] = {
    "question": "Question: $question",
    "question_lead": "Answer:",
    "nota": "none of the above",
    **{name: demonstrations.TEXTS[name] for name in ("judgement", "judgement_lead")},
}


@dataclass(frozen=True, kw_only=True)
class Asked(ThoughtArm):
    """How an item is asked: in which form, and with which text before it.

    Attributes:
        form: lettered, nota, true-false or cyclic, see `questions`.
        examples: none, solved ones, or the same ones with their letters shuffled.
    """

    form: Form = "lettered"
    examples: Literal["none", "own", "shuffled"] = "none"

    @property
    def told(self) -> str:
        """The name of its examples; "" where there are none."""
        return {"none": "", "own": self.form, "shuffled": f"{self.form} shuffled"}[self.examples]


@dataclass(frozen=True, slots=True)
class Layout:
    """The options of an item in the order shown.

    Attributes:
        right: index of the right one.
        wrong: index of the wrong one that is proposed where an answer is judged.
        movable: whether the order may change: no option speaks of the place of others ("all of the above").
    """

    stem: str
    options: tuple[str, ...]
    right: int
    wrong: int
    movable: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question with lettered options.

    Attributes:
        text: the whole of it, as the user says it.
        lead: the words before the letter.
        options: what each letter stands for; right: index of the right one.
        proposed: the answer that is judged; "" where the options are the answers.
    """

    text: str
    lead: str
    options: tuple[str, ...]
    right: int
    proposed: str = ""

    @property
    def example(self) -> tuple[Message, Message]:
        """The question and its right letter, as an example."""
        return Message("user", self.text), Message("assistant", f"{self.lead} ({LETTERS[self.right]})")

    async def ask(self, subject: Subject, before: Sequence[Message], arm: ThoughtArm) -> Answer:
        """The probabilities of its options behind some examples, after the thought of an arm."""
        letters = LETTERS[: len(self.options)]
        asked = await arm.after(subject, Prompt((*before, Message("user", self.text))))
        choice = await letter(subject, asked.messages, self.lead, {one: one for one in letters}, thought=asked.thought)
        return Answer(self, tuple(choice.p[one] for one in letters), choice.mass)


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer to a question.

    Attributes:
        p: probability of each option given that one of the letters shown is said.
        mass: probability that any of the letters is said.
    """

    question: Question
    p: tuple[float, ...]
    mass: float


def layout(item: Item, rng: random.Random, *, shuffle: bool) -> Layout:
    """Options in an order of their own; those whose order matters keep it. It draws the same numbers in any case."""
    choices = [str(choice) for choice in item.fields["choices"]]
    right = LETTERS.index(str(item.gold)[1])
    order = rng.sample(range(len(choices)), len(choices))
    wrong = rng.choice([at for at in range(len(choices)) if at != right])
    fixed = not movable(choices)
    if fixed or not shuffle:
        order = list(range(len(choices)))
    texts = tuple(choices[at] for at in order)
    return Layout(str(item.fields["stem"]), texts, order.index(right), order.index(wrong), not fixed)


def questions(form: Form, shown: Layout, wording: Mapping[str, str] = TEXTS) -> list[Question]:
    """The questions about one item in one form; none if the form would make nonsense of the options.

    lettered: the question. nota: the text of the last option is overwritten; where it was the right one its letter
    stays right. true-false: the right answer and a wrong one, each proposed, so that true and false are balanced.
    cyclic: the question with its k options in all k rotations, the first as they stand.

    Args:
        wording: the experiment's texts, which have the names of `TEXTS`.
    """

    def plain(options: tuple[str, ...], right: int) -> Question:
        text = fill(wording["question"], {"question": lettered(shown.stem, options)})
        return Question(text, wording["question_lead"], options, right)

    def proposal(answer: str, right: int) -> Question:
        asked = demonstrations.judgement(wording, shown.stem, answer)
        return Question(asked.text, asked.lead, ("True", "False"), right, answer)

    options, right = shown.options, shown.right
    if form == "true-false":
        return [proposal(options[right], 0), proposal(options[shown.wrong], 1)]
    if form == "lettered":
        return [plain(options, right)]
    if not shown.movable:
        return []
    if form == "nota":
        return [plain((*options[:-1], wording["nota"]), right)]
    k = len(options)
    return [plain(options[turn:] + options[:turn], (right - turn) % k) for turn in range(k)]


def examples(
    form: Form,
    shown: Sequence[Layout],
    turns: Sequence[int],
    wording: Mapping[str, str],
    mixing: random.Random | None = None,
) -> tuple[Message, ...]:
    """Items with their right letters in one form.

    Args:
        turns: of two proposals, which one of each item is shown.
        mixing: shuffles the letters among the items; None leaves each with its own.
    """
    asked = [questions("lettered" if form == "cyclic" else form, one, wording) for one in shown]
    told = [some[turn % len(some)] for some, turn in zip(asked, turns, strict=True) if some]
    return tuple(message for one in (mixed(told, mixing) if mixing else told) for message in one.example)


def mixed(told: Sequence[Question], rng: random.Random) -> list[Question]:
    """The same questions with the right letters of each other, at random among those with as many options."""
    letters: dict[int, list[int]] = {}
    for one in told:
        letters.setdefault(len(one.options), []).append(one.right)
    for some in letters.values():
        rng.shuffle(some)
    return [replace(one, right=letters[len(one.options)].pop()) for one in told]


async def ask(
    arm: Asked, shown: Layout, before: Sequence[Message], subject: Subject, wording: Mapping[str, str]
) -> list[Answer]:
    """The answers to the questions of an arm, behind its examples; in the cyclic form their mean, as one answer.

    Raises:
        ItemError: a prompt cannot be rendered, or does not fit.
    """
    answers = await together(one.ask(subject, before, arm) for one in questions(arm.form, shown, wording))
    return [unrotated(answers)] if arm.form == "cyclic" and answers else answers


def unrotated(turns: Sequence[Answer]) -> Answer:
    """The mean over the k rotations of k options, in the order of the first one."""
    k = len(turns)
    p = tuple(math.fsum(turns[turn].p[(at - turn) % k] for turn in range(k)) / k for at in range(k))
    return Answer(turns[0].question, p, math.fsum(one.mass for one in turns) / k)
