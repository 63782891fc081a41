"""SimpleToM: does a model that says what somebody knows also use it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge

from experiments.shared.rotations import in_all_rotations
from experiments.theory_of_mind.simple_tom.arms import ARMS, RULES, TEXTS, Asking
from experiments.theory_of_mind.simple_tom.rows import METRICS, Answered, row_of, together_by_story
from harness import (
    ArmedExperiment,
    Bars,
    Capability,
    Choice,
    Item,
    ItemError,
    Message,
    Probability,
    Prompt,
    Subject,
    graded,
    letter,
    option_mass,
    together,
)
from harness.tasks.graders import letter_choice
from harness.tasks.tom.simpletom import KINDS
from harness.tasks.tom.simpletom_released import released_letter

LETTERS = "AB"


@dataclass(frozen=True, kw_only=True)
class SimpleToM(ArmedExperiment[Asking, None]):
    """Models say what a person knows, and still fail to predict from it what the person does, or to judge that.

    Gu et al. 2024 (SimpleToM). Item: a story in five tellings, among them "The sealed carton of milk at the front of
    the shelf has a dead mouse in it. Mary takes the carton at the front of the shelf and walks to the till." (unaware)
    and the same with "A friend has already told Mary that [...]" (aware). Three questions in chats of their own: is she
    aware of it (No / Yes), what will she do next (pay / call the manager), and is paying reasonable.

    In the public set nobody ever knows: "No", the careless act and "Reasonable" are always right. A constant answer
    gets 100 % there and 50 % over the twins aware and told other, with a gap of 0 on both. In the latter Mary is told
    of another carton, so that who takes any sentence of telling for knowledge gets 50 %, too. Gaps are given on the
    public form and over twins; skill is claimed over twins, against the best rule on the same rows. "irrelevant" tells
    of a flaw elsewhere: a model that judges by the flaw, and not by the person's knowledge, gives itself away there.

    Options are read as exact probabilities in both orders. Reminders show the mental-state question with an answer:
    the model's own in arm "remind own" (the release inserts the right one: "remind gold"), or the wrong one, which
    shows whether it is followed. Texts are read by our grader and by the release's parser, side by side.

    Differs from the paper: sentences of the prompts are our own, also in the system prompts and the starred form; no
    system prompt in the plain arms; a short answer ends with its first line. The arms "cot", "cot star" and "remind
    own, cot star" (the paper's best remedy) run when they are named, as they write up to 500 tokens an answer.

    The public set: task=simpletom_stories. It has no twins, so that numbers over twins have no rows there.

    Attributes:
        max_tokens: cap on a short answer (20 in the paper); max_tokens_reasoned: on one with reasoning (500).
    """

    arms: Sequence[str] = tuple(name for name, arm in ARMS.items() if not arm.reasoned)
    max_tokens: Annotated[int, Ge(1)] = 20
    max_tokens_reasoned: Annotated[int, Ge(1)] = 500

    all_arms: ClassVar = ARMS
    texts: ClassVar = TEXTS
    papers: ClassVar = ("gu2024simpletom",)
    outcome: ClassVar = Answered
    item_fields: ClassVar = ("questions", "other")
    metrics: ClassVar = METRICS
    gates: ClassVar = (option_mass("correct", "p_gold", "correct_ms", "listed_first"),)
    figures: ClassVar = (
        Bars("correct", by="kind", hue="twin", where={"arm": "options"}),
        Bars("correct", by="arm", hue="kind", where={"paired": True}),
    )

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        # After a reminder the model's own answer is carried along, also where another answer is shown.
        needs: dict[Capability, bool] = {
            "choose": any(arm.exact or arm.reminder != "none" for arm in asked),
            "generate": not all(arm.exact for arm in asked),
        }
        return frozenset(name for name, needed in needs.items() if needed)

    async def ask(self, arm: Asking, common: None, item: Item, subject: Subject, fitted: None) -> list[Answered]:
        questions = [
            Item(fields, gold, letter_choice) for fields, gold in zip(item.fields["questions"], item.gold, strict=True)
        ]
        if arm.reminder == "none":
            rows = await together(self.answer(arm, question, item, subject) for question in questions)
            return together_by_story(rows, {row.twin: row.correct for row in rows if row.kind == KINDS[0]})
        explicit = {one.fields["condition"]: one for one in questions if one.fields["ability"] == KINDS[0]}
        applied = [one for one in questions if one.fields["ability"] != KINDS[0]]
        if any(one.fields["condition"] not in explicit for one in applied):
            raise ItemError("this story has no mental-state question that could be a reminder")
        own = await together(self.answer(ARMS["options"], one, item, subject) for one in explicit.values())
        said = {row.twin: row for row in own}
        rows = await together(
            self.answer(arm, one, item, subject, self.reminder(arm, explicit[twin], said[twin].answer))
            for one in applied
            for twin in [one.fields["condition"]]
        )
        return together_by_story(rows, {twin: row.correct for twin, row in said.items()})

    def reminder(self, arm: Asking, explicit: Item, own: str) -> str:
        """The mental-state question with an answer."""
        right = str(explicit.gold)[1]
        shown = {"own": own, "gold": right, "wrong": LETTERS[1 - LETTERS.index(right)]}[arm.reminder]
        return self.text("reminder", asked=explicit.fields["asked"], options=listed(explicit), letter=shown)

    async def answer(self, arm: Asking, question: Item, item: Item, subject: Subject, reminder: str = "") -> Answered:
        """The answer of an arm to one question."""
        if arm.rule != "none":
            return row_of(question, graded(question, f"({LETTERS[RULES[arm.rule](question.fields)]})"), item)
        if arm.exact:
            return await self.chosen_option(arm, question, item, subject, reminder)
        shown = turned(question) if arm.swapped else question
        cap, stop = (self.max_tokens_reasoned, ()) if arm.reasoned else (self.max_tokens, ("\n",))
        reply = await subject.generate(Prompt(self.turns(arm, shown, item, reminder)), max_tokens=cap, stop=stop)
        row, read = row_of(shown, graded(shown, reply), item), released_letter(reply.text, reasoned=arm.reasoned)
        return replace(
            row,
            listed_first=float(row.answer == LETTERS[0]) if row.answer else None,
            released=read == str(shown.gold)[1],
            unread_released=read not in {*LETTERS},
        )

    async def chosen_option(self, arm: Asking, question: Item, item: Item, subject: Subject, reminder: str) -> Answered:
        """The more probable option, by the mean over both orders."""
        choices: Sequence[str] = question.fields["choices"]

        async def one(order: Sequence[str]) -> Choice:
            shown = question if [*order] == [*choices] else turned(question)
            turns = self.turns(arm, shown, item, reminder)
            return await letter(subject, turns, self.text("lead"), dict(zip(order, LETTERS, strict=True)))

        read = await in_all_rotations(choices, one)
        return replace(
            row_of(question, graded(question, f"({LETTERS[choices.index(read.best)]})"), item),
            p_gold=Probability(read.p[str(question.gold)[4:]]),
            mass=Probability(read.mass),
            listed_first=read.listed_first,
        )

    def turns(self, arm: Asking, question: Item, item: Item, reminder: str) -> tuple[Message, ...]:
        """The chat of one question."""
        story = {"own": question.fields["story"], "other": item.fields["other"], "none": ""}[arm.story]
        if arm.story != "none" and not story:
            raise ItemError("the set has no story of another family to show in place of this one")
        form = self.text(f"form{'_star' if arm.star else '_reasoned' if arm.reasoned else ''}")
        words = {"asked": question.fields["asked"], "options": listed(question), "form": form, "reminder": reminder}
        told = self.text("question", story=story, **words) if story else self.text("no_story", **words)
        system = () if arm.careful == "no" else (Message("system", self.text(f"system_{arm.careful}")),)
        return (*system, Message("user", told))


def listed(question: Item) -> str:
    """The options as lines."""
    return "\n".join(f"({at}) {choice}" for at, choice in zip(LETTERS, question.fields["choices"], strict=True))


def turned(question: Item) -> Item:
    """The same question with its options in the other order."""
    at = 1 - LETTERS.index(str(question.gold)[1])
    choices = question.fields["choices"][::-1]
    return replace(question, fields={**question.fields, "choices": choices}, gold=f"({LETTERS[at]}) {choices[at]}")
