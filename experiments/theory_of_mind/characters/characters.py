"""CharToM-QA: does a model understand a character better when it has read what came before?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from experiments.shared.judge_reliability import JudgeReliability, judge_gate
from experiments.shared.rotations import in_all_rotations
from experiments.theory_of_mind.characters import judging
from experiments.theory_of_mind.characters.passages import Shown, shown
from experiments.theory_of_mind.characters.rows import ARMS, METRICS, RULES, Read, Reading
from harness import (
    ArmedExperiment,
    Bars,
    Capability,
    Choice,
    Gate,
    Item,
    Part,
    Probability,
    Prompt,
    Subject,
    letter,
    option_mass,
    together,
)
from harness.tasks.choices import LETTERS


@dataclass(frozen=True, kw_only=True)
class Characters(ArmedExperiment[Reading, JudgeReliability | None]):
    """Models understand characters of novels worse than readers do, and gain little from more of the plot.

    Zhou et al. 2025 (CharToM-QA). Item: the passage of "Pride and Prejudice" in which Darcy proposes, alone (context
    "0") or after what came before ("1000"): "What does Darcy believe about Elizabeth's answer while he is speaking?"
    One of four options is right: "That she will accept him, whatever he says about her family".

    Options are read as exact probabilities in four rotations. Controls: "no story" (book, question and options: the
    model may know the novel), "masked names" (other names, and no book, by `masks`), "other passage" (the passage after
    a text from elsewhere as long as the longest context: length without content), "shuffled story" (a text from
    elsewhere alone), and rules that choose by length, place or shared words.

    In arm "written" the model answers in its own words. The answer is cut to max(n + 5, floor(1.5 n)) words for a
    reference of n, and a judge (+model@roles.judge.model=..., else the model itself) names the points that it includes,
    and its defects. A reply of the judge that breaks the form is a failure of the judge: the release counts it as three
    points. The judge first reads answers made of known points (`judging.CLEAR`). Where it finds fewer than 0.8 of these
    rightly, verdicts that rest on it are held back.

    Differs from the paper: the judge is greedy; prompts in our words; the default task has 24 questions of our own,
    whose background is about 600 tokens and not 1,000 or 2,000; no comparison with people.
    The public set: task=chartom.

    Attributes:
        max_tokens: cap on a written answer, before it is cut to its words.
    """

    arms: Sequence[str] = tuple(ARMS)
    max_tokens: Annotated[int, Ge(1)] = 96

    all_arms: ClassVar = ARMS
    texts: ClassVar = {
        "passage": "This is a passage from $source.\n\n$passage\n\n",
        "no_passage": "This is a question about $source.\n\n",
        "book": 'the novel "$book"',
        "no_book": "a novel",
        "question": "${before}Question: $asked\n$options\n\nWhich answer is correct? Reply with its letter.",
        "open_question": "${before}Question: $asked\n\nAnswer in one or two short sentences.",
        "lead": "Answer:",
        **judging.TEXTS,
    }
    parts: ClassVar = {"judge": Part()}
    papers: ClassVar = ("zhou2025chartom",)
    outcome: ClassVar = Read
    item_fields: ClassVar = ("contexts", "bonus_points", "answer_text", "book", "choices", "asked")
    metrics: ClassVar = METRICS
    gates: ClassVar = (
        option_mass("correct", "p_gold", "correct_short", "listed_first"),
        judge_gate("included", "defect"),
        Gate(metric="judge_failed", most=0.2, columns=("included", "defect"), why="the judge breaks the form"),
    )
    figures: ClassVar = (Bars("correct", by="arm", hue="context"), Bars("correct", by="dimension", hue="context"))

    def capabilities(self) -> frozenset[Capability]:
        asked = [arm for arm in self.chosen.values() if arm.rule == "none"]
        return frozenset({"choose" if arm.choice else "generate" for arm in asked})

    def needed_parts(self) -> Mapping[str, Part]:
        return self.parts if any(not arm.choice for arm in self.chosen.values()) else {}

    async def prepare(self, train: Sequence[Item], subject: Subject) -> JudgeReliability | None:
        """How far the judge can be relied on, where an arm asks it."""
        return await judging.check(self.wording, subject.role("judge")) if self.needed_parts() else None

    async def ask(
        self, arm: Reading, common: None, item: Item, subject: Subject, fitted: JudgeReliability | None
    ) -> list[Read]:
        if arm.rule != "none":
            longest = max(item.fields["contexts"].values(), key=len)
            return [row_of(item, "none", RULES[arm.rule](item.fields["choices"], longest))]
        views = shown(arm, item, subject.random("masks"))
        read = self.chosen_option if arm.choice else self.written
        first, *longer = await together(read(item, subject, view) for view in views)
        rows = [first, *(replace(row, longer=True, correct_short=first.correct) for row in longer)]
        judged: dict[str, Any] = {} if arm.choice or fitted is None else fitted.columns
        return [replace(row, **judged) for row in rows]

    async def chosen_option(self, item: Item, subject: Subject, view: Shown) -> Read:
        """The most probable option, by the mean over all rotations."""
        choices: Sequence[str] = item.fields["choices"]
        before, asked = self.before(view), view.words(item.fields["asked"])

        async def one(order: Sequence[str]) -> Choice:
            options = "\n".join(f"({at}) {view.words(choice)}" for at, choice in zip(LETTERS, order, strict=False))
            prompt = Prompt.user(self.text("question", before=before, asked=asked, options=options))
            return await letter(subject, prompt.messages, self.text("lead"), dict(zip(order, LETTERS, strict=False)))

        read = await in_all_rotations(choices, one)
        return replace(
            row_of(item, view.context, choices.index(read.best)),
            p_gold=Probability(read.p[str(item.gold)[4:]]),
            mass=Probability(read.mass),
            listed_first=read.listed_first,
        )

    async def written(self, item: Item, subject: Subject, view: Shown) -> Read:
        """A written answer, cut to its words, as a judge reads it."""
        fields, judge = item.fields, subject.role("judge")
        asked, points = fields["asked"], fields["bonus_points"]
        prompt = Prompt.user(self.text("open_question", before=self.before(view), asked=asked))
        reply = await subject.generate(prompt, max_tokens=self.max_tokens)
        answer = judging.cut_words(reply.text, fields["answer_text"])
        row = Read(
            dimension=fields["ability"], context=view.context, answer=answer, fate="answered", points=len(points)
        )
        if not answer:
            return replace(row, fate="cut" if reply.finish == "length" else "empty", included=0, judge_failed=False)
        about = {"asked": asked, "reference": fields["answer_text"]}
        found, faulty = await asyncio.gather(
            judging.included(self.wording, judge, {**about, "points": points}, answer),
            judging.defect(self.wording, judge, {**about, "passage": view.passage}, answer),
        )
        included = None if found is None else len(found)
        failed = found is None or faulty is None
        return replace(row, fate="answered", included=included, defect=faulty, judge_failed=failed)

    def before(self, view: Shown) -> str:
        """The words before the question: the book and the passage."""
        source = self.text("book", book=view.book) if view.book else self.text("no_book")
        return self.text("passage" if view.passage else "no_passage", source=source, passage=view.passage)


def row_of(item: Item, context: str, at: int) -> Read:
    """The row of a chosen option."""
    right = LETTERS[at] == str(item.gold)[1]
    return Read(dimension=item.fields["ability"], context=context, answer=LETTERS[at], fate="answered", correct=right)
